"""One more console instance beside the stack's, with settings of its own. HAProxy does not know it."""

from __future__ import annotations

import os
import subprocess

from app.errors import UsageError
from drills.stand import Stand
from drills.targets import add_target
from stack.pages import fetch_page
from stack.processes import find_free_port, wait_until
from stack.programs import palmonas_command, write_settings

NAME = "api-console-drill"
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0


def start_console(stand: Stand, **settings: str) -> str:
    """Run it with `settings` (names without PALMONAS_) until the drill is undone; return its address once it is ready.

    Prometheus scrapes it as one more of the API. Raises UsageError when it does not become ready.
    """
    port, metrics = find_free_port(), find_free_port()
    own = {"ROLES": "console", "INSTANCE": NAME, "PORT": str(port), "METRICS_PORT": str(metrics), **settings}
    made = write_settings(stand.layout, stand.servers, demo=True) | {f"PALMONAS_{key}": own[key] for key in own}
    for key in settings:
        made.pop(f"PALMONAS_{key}_FILE", None)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PALMONAS_")}
    with stand.layout.log_of(NAME).open("ab") as log:
        console = subprocess.Popen([*palmonas_command(), "api"], env=clean | made, stdout=log, stderr=log)
    stand.undo.callback(_stop, console)
    page = f"http://127.0.0.1:{metrics}/readyz"

    def is_ready() -> bool:
        answer = fetch_page(page, deadline_s=1)
        return answer is not None and answer.ok

    if not wait_until(is_ready, START_DEADLINE_S, pause_s=0.2):
        raise UsageError(f"{NAME} did not become ready; see {stand.layout.log_of(NAME)}")
    add_target(stand, "palmonas-api", f"127.0.0.1:{metrics}", {"instance": NAME, "role": "console"})
    return f"http://127.0.0.1:{port}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_DEADLINE_S)
