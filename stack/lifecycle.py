"""The stack's start and stop, step by step."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import UsageError
from stack.accounts import ensure_demo_user, ensure_token
from stack.console import CONSOLE
from stack.health import read_health, save_pages, wait_healthy
from stack.layout import STATE_VARIABLE, Layout, load_layout, plan_layout
from stack.monitoring import write_targets
from stack.packages import install_missing
from stack.pages import fetch_page
from stack.preview import PREVIEW, place_preview
from stack.processes import wait_until
from stack.programs import (
    FRONT,
    MISSING_PARTS,
    MONITORING,
    REPLICAS,
    SERVERS,
    SERVICE,
    Part,
    Servers,
    find_missing_parts,
    list_parts,
    make_api_part,
    open_servers,
    palmonas_command,
    write_settings,
)
from stack.replica import drop_slot
from stack.restarts import write_counts
from stack.simulated import SIMULATOR, find_simulator, list_api_settings
from stack.supervisor import Supervisor

STAGE_DEADLINE_S = 90.0
MIGRATE_DEADLINE_S = 300.0
LOG_TAIL_LINES = 15

Report = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What `palmonas up` was asked for. `ports` are those of parts, by name."""

    state: Path
    host: str
    port: int
    ports: Mapping[str, int] = field(default_factory=dict)
    install: bool = False
    api: bool = True
    demo: bool = False
    scale: bool = False


def find_running(state: Path) -> Layout | None:
    """The layout of the stack that is up in `state`, or None."""
    layout = load_layout(state)
    return layout if layout and Supervisor(layout).read_pid() is not None else None


def require_running(state: Path) -> Layout:
    """The layout of the stack that is up. Raises UsageError when none is."""
    layout = find_running(state)
    if layout is None:
        raise UsageError(f"the stack is not up (state: {state}); start it with: make up")
    return layout


@contextmanager
def hold_lock(state: Path) -> Iterator[None]:
    """One start or stop at a time. Raises UsageError when another one is at it."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another start or stop is at work in {state}; wait for it") from error
        yield


def start_stack(wish: Wish, report: Report) -> Layout:
    """Bring everything up and wait until it is healthy. Raises UsageError after stopping all again."""
    if wish.demo:
        _refuse_real_channels()
    if wish.install:
        install_missing(report)
        PREVIEW.build(report)
        CONSOLE.build(report)
    previous = load_layout(wish.state)
    if previous and (left := Supervisor(previous).kill_leftovers()):
        report(f"ended {len(left)} processes that a killed supervisor had left")
    if wish.scale and "haproxy" in find_missing_parts():
        raise UsageError("several API instances need HAProxy in front of them: apt-get install haproxy")
    layout = plan_layout(wish.state, wish.host, wish.port, wish.ports, scale=wish.scale)
    layout.make_directories()
    report(f"state: {layout.state} (may be deleted after `make down`)")
    for part in find_missing_parts():
        report(f"missing: {part}: {MISSING_PARTS[part]}")
    place_preview(layout)
    CONSOLE.place(layout)
    servers = open_servers(layout)
    servers.postgres.prepare()
    servers.redis.prepare()
    settings = write_settings(layout, servers, demo=wish.demo)
    parts = list_parts(layout, servers, settings, api=wish.api, demo=wish.demo)
    scraped = parts if wish.api else [*parts, make_api_part(layout, settings)]
    write_targets(layout, [(part.job, part.name, part.page, part.labels) for part in scraped if part.job and part.page])
    write_counts(layout.restarts_file, {part.name: 0 for part in parts})
    save_pages(layout, parts)
    layout.save()
    supervisor = Supervisor(layout)
    supervisor.launch(parts, _clean_environment(settings))
    try:
        _start_stages(layout, servers, settings, parts, report)
        if wish.demo:
            ensure_demo_user(layout.password_file, servers.postgres.url)
    except BaseException:
        supervisor.stop()
        raise
    return layout


def _refuse_real_channels() -> None:
    """A demo beside a real shop would poll one and ship to the other."""
    for name in (f"PALMONAS_{setting}" for setting in list_api_settings("") if setting.endswith("_URL")):
        if os.environ.get(name) or os.environ.get(f"{name}_FILE"):
            raise UsageError(f"{name} is set, and a demo simulates the channels; start without one: palmonas up")


def _start_stages(
    layout: Layout, servers: Servers, settings: dict[str, str], parts: list[Part], report: Report
) -> None:
    def start(stage: int) -> list[Part]:
        chosen = [part for part in parts if part.stage == stage]
        Supervisor(layout).start(part.name for part in chosen)
        return chosen

    def wait(chosen: list[Part]) -> None:
        if not chosen:
            return
        report(f"waiting for {', '.join(part.name for part in chosen)}")
        if reasons := wait_healthy(chosen, servers, STAGE_DEADLINE_S):
            raise UsageError(_explain(layout, reasons))

    wait(start(SERVERS))
    servers.postgres.provision()
    for server in servers.followers:
        server.prepare()
    wait(start(REPLICAS))
    if not servers.replica:
        drop_slot(servers.postgres)
    report("migrating the database")
    _migrate(settings)
    wait(start(SERVICE))
    wait(start(FRONT))
    if any(part.job == "palmonas-api" for part in parts):
        _wait_front_door(layout)
    # Last, and stopped first: a start or a stop, however slow, is nothing to wake anybody for.
    wait(start(MONITORING))
    ensure_token(layout.token_file, servers.postgres.url)
    if not Supervisor(layout).wait_running(STAGE_DEADLINE_S):
        raise UsageError(f"not every process stays up; see the logs in {layout.logs}")


def _migrate(settings: dict[str, str]) -> None:
    done = subprocess.run(
        [*palmonas_command(), "migrate"],
        env={**_clean_environment(settings), **settings},
        capture_output=True,
        text=True,
        timeout=MIGRATE_DEADLINE_S,
        check=False,
    )
    if done.returncode != 0:
        raise UsageError(f"the migration failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")


def _wait_front_door(layout: Layout) -> None:
    def answers() -> bool:
        answer = fetch_page(f"{layout.base_url}/readyz", deadline_s=3)
        return answer is not None and answer.ok

    if not wait_until(answers, STAGE_DEADLINE_S, pause_s=0.2):
        raise UsageError(f"{layout.base_url}/readyz did not answer 200 within {STAGE_DEADLINE_S:.0f} s")


def _clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Our environment without the settings that the stack makes itself; log level and limits pass through."""
    ours = {name.removesuffix("_FILE") for name in settings} | {
        f"PALMONAS_{name}"
        for name in (
            *("ROLES", "INSTANCE", "PORT", "LISTEN_HOST", "METRICS_PORT", "RESTARTS_FILE"),
            *("GRAFANA_URL", "GRAFANA_TOKEN"),  # of commands: no process of the service has use for them
        )
    }
    kept = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours}
    kept.pop(STATE_VARIABLE, None)
    return kept


def _explain(layout: Layout, reasons: Mapping[str, str]) -> str:
    """Which parts did not become healthy, and the end of each one's log."""
    pieces = []
    for name, reason in reasons.items():
        path = layout.log_of(name)
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        tail = "\n".join("    " + line for line in text.splitlines()[-LOG_TAIL_LINES:])
        pieces.append(f"{name} is not healthy after {STAGE_DEADLINE_S:.0f} s: {reason}; {path} ends:\n{tail}")
    return "\n".join(pieces)


def stop_stack(layout: Layout) -> tuple[list[str], list[int]]:
    """Stop everything; the names of what ran, and the ids of processes that had to be killed."""
    supervisor = Supervisor(layout)
    names = [process.name for process in supervisor.list_processes() if process.pid]
    return names, supervisor.stop()


def describe_addresses(layout: Layout) -> dict[str, str]:
    """Where to look, by what is to be seen there; only for parts that run."""
    running = {part.name for part in read_health(layout, open_servers(layout))}
    ports = layout.ports
    pages = {
        "prometheus": ("Prometheus", f"http://127.0.0.1:{ports['prometheus']}/classic/graph"),
        "alertmanager": ("Alertmanager", f"http://127.0.0.1:{ports['alertmanager']}/api/v2/alerts"),
        "haproxy": ("HAProxy", f"http://127.0.0.1:{ports['haproxy-stats']}/stats"),
    }
    found = {
        "API": layout.base_url,
        "API, described": f"{layout.base_url}/docs",
        "webhooks": f"{layout.base_url}/webhooks/<channel>",
        "queues (admins)": f"{layout.base_url}/rq",
    }
    if CONSOLE.find(layout).exists():
        found = {"console": f"{layout.base_url}/console/", **found}
    if "prometheus" in running and PREVIEW.find(layout).exists():
        found["dashboards"] = f"{layout.base_url}/dashboards"
    found.update(page for part, page in pages.items() if part in running)
    if SIMULATOR in running:
        found["simulator (demo)"] = find_simulator(layout)
    return found


def make_api_environment(layout: Layout) -> dict[str, str]:
    """What an API in the foreground needs to take the place of the stack's own (`palmonas dev`)."""
    settings = write_settings(layout, open_servers(layout))
    part = make_api_part(layout, settings)
    return {**_clean_environment(settings), **part.environment}
