"""A past for a Prometheus that is minutes old: three alerts compare what is with yesterday, or with last week.

Only what was is written, by promtool; what is, and what is missing, is scraped from the stack as ever.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from urllib.parse import quote

from app.errors import UsageError
from drills.stand import Stand
from rules.scale import read_duration
from stack.pages import fetch_page
from stack.processes import wait_until
from stack.programs import find_executable

STEP_S = 15
LASTS_S = 3600  # from the moment that is compared with the first instant of the drill
WRITE_DEADLINE_S = 120.0
SEEN_DEADLINE_S = 150.0  # Prometheus looks for new blocks every minute


def write_past(stand: Stand, ago: str, series: Mapping[str, float]) -> None:
    """Let each series have had its value `ago` (as in an offset, 1d) on the stand's clock, and for an hour after it.

    Raises UsageError when promtool or Prometheus does not take it.
    """
    then = int(time.time() - read_duration(ago) / stand.factor)
    path = stand.layout.state / "past.txt"
    with path.open("w", encoding="utf-8") as file:
        for name, value in series.items():
            file.writelines(f"{name} {value} {at}\n" for at in range(then - 300, then + LASTS_S, STEP_S))
        file.write("# EOF\n")
    command = [find_executable("promtool") or "promtool", "tsdb", "create-blocks-from", "openmetrics", path]
    data = stand.layout.state / "prometheus/data"
    done = subprocess.run([*command, data], capture_output=True, text=True, timeout=WRITE_DEADLINE_S, check=False)
    if done.returncode != 0:
        raise UsageError(f"promtool cannot write the past: {done.stderr.strip()[-500:]}")

    def is_seen() -> bool:
        return all(find_one(stand, name, then) for name in series)

    if not wait_until(is_seen, SEEN_DEADLINE_S, pause_s=1):
        raise UsageError("Prometheus does not show the past that was written for it")


def find_one(stand: Stand, expr: str, at: float | None = None) -> tuple[Mapping[str, str], float] | None:
    """Labels and value of the one series of `expr` at a moment (Unix time), or now; None when there is not one."""
    when = "" if at is None else f"&time={at}"
    url = f"http://127.0.0.1:{stand.layout.ports['prometheus']}/api/v1/query?query={quote(expr)}{when}"
    answer = fetch_page(url, STEP_S)
    found = answer.json()["data"]["result"] if answer is not None and answer.ok else []
    return (found[0]["metric"], float(found[0]["value"][1])) if len(found) == 1 else None
