"""HAProxy in front of the API instances."""

from __future__ import annotations

import subprocess
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from app.errors import UsageError
from stack.binaries import find_program
from stack.layout import ROOT, Layout

TEMPLATE = ROOT / "haproxy" / "haproxy.cfg.j2"
CHECK_DEADLINE_S = 10.0
MAXCONN = 2000  # connections of all senders; what the instances can't take waits in HAProxy's queue
SERVER_MAXCONN = 900  # of one instance; below its own CONNECTIONS_MAX, so that health checks get through


def render_haproxy(layout: Layout, accept: list[str], console: list[str]) -> str:
    """The configuration for these API instances (names of parts of `layout`)."""

    def servers(names: list[str]) -> list[dict[str, object]]:
        return [{"name": name, "port": layout.ports[name]} for name in names]

    # HAProxy's language, not HTML: there is nothing to escape, and every value is ours.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        host=layout.host,
        port=layout.port,
        stats_port=layout.ports["haproxy-stats"],
        maxconn=MAXCONN,
        server_maxconn=SERVER_MAXCONN,
        accept=servers(accept),
        console=servers(console),
    )


def write_haproxy(layout: Layout, accept: list[str], console: list[str]) -> Path:
    """Write and check the configuration. Raises UsageError with what HAProxy says about it."""
    path = layout.state / "haproxy.cfg"
    path.write_text(render_haproxy(layout, accept, console), encoding="utf-8")
    program = find_program("haproxy")
    if program is None:
        raise UsageError("haproxy was not found: install Debian's haproxy package")
    done = subprocess.run(
        [program, "-c", "-f", path], capture_output=True, text=True, timeout=CHECK_DEADLINE_S, check=False
    )
    if done.returncode != 0:
        raise UsageError(f"HAProxy refuses {path}:\n{done.stdout}{done.stderr}")
    return path
