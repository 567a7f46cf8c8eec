"""What each part of a running stack says about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from stack.layout import Layout
from stack.pages import fetch_page
from stack.processes import wait_until
from stack.programs import Part, Servers
from stack.restarts import read_counts
from stack.simulated import SIMULATOR
from stack.supervisor import Supervisor

PAGE_DEADLINE_S = 3.0
ALIVE = ("STARTING", "RUNNING")  # supervisord calls a process RUNNING after its first seconds


@dataclass(frozen=True)
class PartHealth:
    """A part as `palmonas status` shows it; `health` is "ok" or a few words on what is wrong."""

    name: str
    state: str
    pid: int
    uptime_s: int
    restarts: int
    health: str

    @property
    def is_ok(self) -> bool:
        return self.state in ALIVE and self.health == "ok"


def save_pages(layout: Layout, parts: list[Part]) -> None:
    """Keep the health pages for `palmonas status`, which runs later and elsewhere."""
    pages = {part.name: part.page for part in parts}
    (layout.state / "pages.json").write_text(json.dumps(pages, indent=2) + "\n", encoding="utf-8")


def load_pages(layout: Layout) -> dict[str, str | None]:
    pages: dict[str, str | None] = json.loads((layout.state / "pages.json").read_text(encoding="utf-8"))
    return pages


def is_demo(layout: Layout) -> bool:
    """True for a stack that was started with its own simulator."""
    return SIMULATOR in load_pages(layout)


def check_part(name: str, page: str | None, servers: Servers) -> str:
    """ "ok", or what is wrong with a part, asked now with a deadline of 3 s."""
    if page is None:
        (server,) = (one for one in servers.all if one.name == name)
        return "ok" if server.answers() else "does not answer"
    answer = fetch_page(page, PAGE_DEADLINE_S)
    if answer is None:
        return "does not answer"
    return "ok" if answer.ok else f"answers {answer.status_code}"


def read_health(layout: Layout, servers: Servers) -> list[PartHealth]:
    """Every part, in the order of the start; none when the stack is not up."""
    pages = load_pages(layout)
    restarts = read_counts(layout.restarts_file)
    states = {process.name: process for process in Supervisor(layout).list_processes()}
    found = []
    for name, page in pages.items():
        if process := states.get(name):
            health = check_part(name, page, servers) if process.state in ALIVE else "not running"
            found.append(PartHealth(name, process.state, process.pid, process.uptime_s, restarts.get(name, 0), health))
    return found


def wait_healthy(parts: list[Part], servers: Servers, deadline_s: float) -> dict[str, str]:
    """Wait until every part is ok; those that are not after `deadline_s` seconds, with the reason."""
    waiting = {part.name: part.page for part in parts}
    reasons: dict[str, str] = {}

    def is_done() -> bool:
        for name, page in list(waiting.items()):
            reasons[name] = check_part(name, page, servers)
            if reasons[name] == "ok":
                del waiting[name], reasons[name]
        return not waiting

    wait_until(is_done, deadline_s, pause_s=0.2)
    return reasons
