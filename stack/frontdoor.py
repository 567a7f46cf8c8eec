"""HAProxy in front of the API instances."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from app.errors import UsageError
from stack.binaries import find_program
from stack.layout import ROOT, Layout

TEMPLATE = ROOT / "haproxy" / "haproxy.cfg.j2"
CHECK_DEADLINE_S = 10.0
MAXCONN = 2000  # connections of all senders; what the instances can't take waits in HAProxy's queue
SLOTS = 20  # instances of a role that may be found by name
SERVER_MAXCONN = 900  # of one instance; below its own CONNECTIONS_MAX, so that health checks get through


@dataclass(frozen=True)
class Door:
    """What differs from one front door to another. `accept` and `console`: instances by name and port on loopback."""

    port: int
    stats: str
    host: str = "*"
    accept: Mapping[str, int] = field(default_factory=dict)
    console: Mapping[str, int] = field(default_factory=dict)
    certificate: str | None = None  # file of certificate and key; None: no TLS
    inner: str | None = None  # a plain address for those who ask from within
    resolver: str | None = None  # DNS server that knows `api-accept` and `api-console`, which then need not be listed


def render_door(door: Door) -> str:
    """HAProxy's configuration."""

    def servers(instances: Mapping[str, int]) -> list[dict[str, object]]:
        return [{"name": name, "port": port} for name, port in instances.items()]

    # HAProxy's language, not HTML: there is nothing to escape, and every value is ours.
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        bind=f"{door.host}:{door.port}",
        stats=door.stats,
        maxconn=MAXCONN,
        server_maxconn=SERVER_MAXCONN,
        accept=servers(door.accept),
        console=servers(door.console),
        certificate=door.certificate,
        inner=door.inner,
        resolver=door.resolver,
        slots=SLOTS,
    )


def render_haproxy(layout: Layout, accept: list[str], console: list[str]) -> str:
    """The configuration for these API instances (names of parts of `layout`)."""
    return render_door(
        Door(
            port=layout.port,
            host=layout.host,
            stats=f"127.0.0.1:{layout.ports['haproxy-stats']}",
            accept={name: layout.ports[name] for name in accept},
            console={name: layout.ports[name] for name in console},
        )
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
