"""Where a stack keeps its state and which ports its parts have."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from app.errors import UsageError
from stack.processes import find_free_port, is_port_taken, run_as_server_user

ROOT = Path(__file__).resolve().parents[1]
STATE_VARIABLE = "PALMONAS_STATE"
DEFAULT_PORT = 4000
LONGEST_SOCKET_PATH = 100  # bytes; the kernel takes 107, supervisord binds a longer temporary name first

# Distance of each part's port from the front door's; the monitoring ones end as usual (9090 -> 4090).
PORT_OFFSETS = {
    "api-accept-1": 1,
    "api-accept-2": 2,
    "api-console-1": 3,
    "api-accept-3": 4,
    "api-console-2": 5,
    "api-accept-1-metrics": 11,
    "api-accept-2-metrics": 12,
    "api-console-1-metrics": 13,
    "worker-ingest-metrics": 14,
    "worker-tasks-metrics": 15,
    "dispatcher-metrics": 16,
    "exporter-metrics": 17,
    "worker-poll-metrics": 18,
    "worker-push-metrics": 19,
    "api-accept-3-metrics": 21,
    "api-console-2-metrics": 22,
    "worker-ingest-2-metrics": 23,
    "worker-ingest-3-metrics": 24,
    "postgresql": 32,
    "postgresql-replica": 33,
    "simulator": 60,
    "redis": 79,
    "redis-replica": 80,
    "sentinel-1": 81,
    "sentinel-2": 82,
    "sentinel-3": 83,
    "prometheus": 90,
    "alertmanager": 93,
    "node-exporter": 100,
    "haproxy-stats": 101,
    "blackbox-exporter": 115,
    "redis-exporter": 121,
    "redis-replica-exporter": 122,
    "process-exporter": 156,
    "postgres-exporter": 187,
}


@dataclass(frozen=True)
class Layout:
    """One stack: its state directory, the address of its front door, the port of each part; `scale`: more of them."""

    state: Path
    host: str
    port: int
    ports: dict[str, int]
    scale: bool = False

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def supervisor_socket(self) -> Path:
        return self.state / "supervisor.sock"

    @property
    def supervisor_config(self) -> Path:
        return self.state / "supervisord.conf"

    @property
    def restarts_file(self) -> Path:
        return self.state / "restarts.json"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def token_file(self) -> Path:
        return self.secrets / "admin.token"

    @property
    def password_file(self) -> Path:
        return self.secrets / "admin.password"

    def log_of(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def make_directories(self) -> None:
        """Create the state directory; only the servers' own directories are open to the servers' user."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o711)
        for directory in (self.logs, self.secrets):
            directory.mkdir(exist_ok=True)
            directory.chmod(0o700)
        reach = subprocess.run(["test", "-x", self.state], check=False, timeout=10, **run_as_server_user())  # type: ignore[call-overload]  # a dict of user, group, extra_groups
        if reach.returncode != 0:
            raise UsageError(
                f"the servers run as an unprivileged user, who cannot pass through to {self.state}; "
                f"set {STATE_VARIABLE} to a directory that everybody may enter, such as /var/lib/palmonas"
            )
        if len(bytes(self.supervisor_socket)) > LONGEST_SOCKET_PATH:
            raise UsageError(f"the path {self.state} is too long for a socket; set {STATE_VARIABLE} to a shorter one")

    def save(self) -> None:
        fields = {**asdict(self), "state": str(self.state), "root": str(ROOT)}
        (self.state / "stack.json").write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def find_state(environ: Mapping[str, str] = os.environ) -> Path:
    """PALMONAS_STATE, else /var/lib/palmonas for root and .palmonas in the clone for everybody else."""
    if chosen := environ.get(STATE_VARIABLE):
        return Path(chosen).absolute()
    return Path("/var/lib/palmonas") if os.geteuid() == 0 else ROOT / ".palmonas"


def load_layout(state: Path) -> Layout | None:
    """The stack that was last started in `state`, or None."""
    try:
        fields = json.loads((state / "stack.json").read_text(encoding="utf-8"))
        return Layout(state, fields["host"], fields["port"], fields["ports"], fields.get("scale", False))
    except FileNotFoundError:
        return None
    except (KeyError, ValueError) as error:
        raise UsageError(f"{state / 'stack.json'} is damaged; delete {state} and start again") from error


def plan_layout(state: Path, host: str, port: int, chosen: Mapping[str, int], *, scale: bool = False) -> Layout:
    """A layout with every port free: `port` and `chosen` ones as asked for, the others near them or anywhere.

    Raises UsageError for a taken port that was asked for, and for a part that does not exist.
    """
    for name in chosen:
        if name not in PORT_OFFSETS:
            raise UsageError(f"there is no part {name!r} with a port; there are: {', '.join(PORT_OFFSETS)}")
    if is_port_taken(port, host):
        raise UsageError(
            f"port {port} is taken; stop what listens there, or choose another: make up PALMONAS_PORT={port + 1000}"
        )
    for name, wanted in chosen.items():
        if is_port_taken(wanted):
            raise UsageError(f"port {wanted}, asked for {name}, is taken; choose another with --set-port")
    ports = dict(chosen)
    for name, offset in PORT_OFFSETS.items():
        if name not in ports:
            usual = port + offset
            free = usual <= 65535 and usual not in ports.values() and not is_port_taken(usual)
            ports[name] = usual if free else find_free_port()
    return Layout(state, host, port, ports, scale)
