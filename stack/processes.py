"""Small things about processes, users and ports that servers, stack and tests share. Linux only (/proc)."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

# Below the kernel's range for outgoing connections (32768 and up), so that a port that was free stays free.
PORT_RANGE = (20000, 32000)
UNPRIVILEGED_USERS = ("postgres", "nobody")


def find_free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on. Raises OSError when a hundred tries found none."""
    for _ in range(100):
        port = random.randint(*PORT_RANGE)  # noqa: S311 - a port, not a secret
        if not is_port_taken(port, host):
            return port
    raise OSError(f"no free port between {PORT_RANGE[0]} and {PORT_RANGE[1]}")


def is_port_taken(port: int, host: str = "127.0.0.1") -> bool:
    """True when `host`:`port` cannot be listened on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def find_server_user() -> pwd.struct_passwd | None:
    """The user servers run as when we are root (PostgreSQL refuses root); None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise OSError(f"running as root, and none of these users exists to run the servers: {UNPRIVILEGED_USERS}")


def run_as_server_user() -> dict[str, object]:
    """Keyword arguments for subprocess that drop root; empty for a normal user."""
    user = find_server_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def give_to_server_user(path: Path) -> None:
    """Hand `path` and all below it to the servers' user; nothing to do unless we are root."""
    user = find_server_user()
    if user is None:
        return
    for each in (path, *path.rglob("*")):
        shutil.chown(each, user.pw_uid, user.pw_gid)


def wait_until(condition: Callable[[], bool], deadline_s: float, pause_s: float = 0.02) -> bool:
    """Ask `condition` until it is true or `deadline_s` seconds have passed; the last answer."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() >= end:
            return condition()
        time.sleep(pause_s)
    return True


def is_alive(pid: int) -> bool:
    """True while process `pid` runs (a zombie does not)."""
    state = _read_stat(pid)
    return state is not None and state[0] not in "ZX"


def list_descendants(pid: int) -> list[int]:
    """The ids of all processes below `pid`, nearest first."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _read_stat(int(entry))):
            children.setdefault(stat[1], []).append(int(entry))
    found: list[int] = []
    layer = [pid]
    while layer:
        layer = [child for parent in layer for child in children.get(parent, [])]
        found.extend(layer)
    return found


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send `number` to each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _read_stat(pid: int) -> tuple[str, int] | None:
    """State letter and parent of `pid`, from /proc/<pid>/stat, or None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def find_by_environment(name: str, value: str) -> list[int]:
    """The ids of processes that were started with `name`=`value` in their environment."""
    wanted = f"{name}={value}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                environment = Path(f"/proc/{entry}/environ").read_bytes()
            except OSError:
                continue
            if wanted in environment.split(b"\0"):
                found.append(int(entry))
    return found
