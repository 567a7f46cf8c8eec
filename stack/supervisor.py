"""supervisord: its configuration, its start and stop, and its answers over a private socket."""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import UsageError
from stack.layout import Layout
from stack.processes import find_by_environment, is_alive, list_descendants, signal_all, wait_until
from stack.programs import Part

CALL_DEADLINE_S = 10.0
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 120.0  # all stop waits one after the other stay below it
LOG_BYTES = "10MB"
LOG_BACKUPS = 3
# A process that ends sooner is started again with a growing pause; one that ends later, at once.
START_SECONDS = 5
# supervisord waits one second longer after each failed try, so this is never reached: it never gives up.
START_RETRIES = 100000


@dataclass(frozen=True)
class ProcessState:
    """What supervisord knows of a process; `state` is its word: RUNNING, BACKOFF, and so on."""

    name: str
    state: str
    pid: int
    uptime_s: int


def render_supervisor(layout: Layout, parts: Iterable[Part]) -> str:
    """supervisord.conf for `parts`. Nothing starts by itself: the stages are started one after the other."""
    sections = [
        _section(
            "supervisord",
            {
                "directory": str(layout.state),
                "logfile": str(layout.log_of("supervisord")),
                "logfile_maxbytes": LOG_BYTES,
                "logfile_backups": str(LOG_BACKUPS),
                "pidfile": str(layout.state / "supervisord.pid"),
                "childlogdir": str(layout.logs),
                "umask": "077",
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
        ),
        _section("unix_http_server", {"file": str(layout.supervisor_socket), "chmod": "0700"}),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        _section(
            "eventlistener:restart-counter",
            {
                "command": shlex.join([sys.executable, "-m", "stack.restarts", str(layout.restarts_file)]),
                "events": "PROCESS_STATE_EXITED,PROCESS_STATE_BACKOFF",
                "buffer_size": "1000",
                "stdout_logfile": "NONE",
                "stderr_logfile": str(layout.log_of("restart-counter")),
                "priority": "1",
            },
        ),
    ]
    sections += [_render_part(layout, part) for part in parts]
    return "\n".join(sections)


def _render_part(layout: Layout, part: Part) -> str:
    options = {
        "command": shlex.join(part.command),
        "priority": str(part.stage),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(START_SECONDS),
        "startretries": str(START_RETRIES),
        "stopsignal": part.stop_signal.name.removeprefix("SIG"),
        "stopwaitsecs": str(part.stop_wait_s),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(layout.log_of(part.name)),
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": str(LOG_BACKUPS),
        "environment": ",".join(f'{name}="{value}"' for name, value in part.environment.items()),
    }
    if part.user:
        options["user"] = part.user
    return _section(f"program:{part.name}", options)


def _section(name: str, options: dict[str, str]) -> str:
    # supervisord expands %(...)s in every value.
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in options.items()]
    return "\n".join([f"[{name}]", *lines, ""])


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CALL_DEADLINE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _SocketConnection(self._path)
        self._connection = host, connection  # where the base class finds it to close it
        return connection


class Supervisor:
    """A running or stopped supervisord of one state directory."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = _SocketTransport(self._layout.supervisor_socket)
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def read_pid(self) -> int | None:
        """The process id of the supervisord that answers, or None when none does."""
        try:
            return int(self._call("getPID"))
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None

    def launch(self, parts: Iterable[Part], environment: dict[str, str]) -> None:
        """Start supervisord in the background. Raises UsageError when it does not come up."""
        config = self._layout.supervisor_config
        config.touch(mode=0o600)
        config.write_text(render_supervisor(self._layout, parts), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", config],
            env=environment,
            cwd=self._layout.state,
            capture_output=True,
            text=True,
            timeout=START_DEADLINE_S,
            check=False,
        )
        if done.returncode != 0 or not wait_until(lambda: self.read_pid() is not None, START_DEADLINE_S):
            raise UsageError(f"the supervisor did not start: {(done.stderr or done.stdout).strip()[-2000:]}")

    def start(self, names: Iterable[str]) -> None:
        """Start processes without waiting for them."""
        for name in names:
            try:
                self._call("startProcess", name, False)
            except xmlrpc.client.Fault as error:
                raise UsageError(f"{name} cannot be started: {error.faultString}") from error

    def halt(self, name: str) -> None:
        """Stop one process, and leave it stopped. Raises UsageError when it does not stop."""

        def is_stopped() -> bool:
            with suppress(xmlrpc.client.Fault):  # it had ended; supervisord may be about to start it again
                self._call("stopProcess", name, False)
            return any(one.name == name and one.state == "STOPPED" for one in self.list_processes())

        if not wait_until(is_stopped, STOP_DEADLINE_S, pause_s=0.1):
            raise UsageError(f"{name} does not stop; see {self._layout.log_of(name)}")

    def wait_running(self, deadline_s: float) -> bool:
        """Wait until every process has outlived START_SECONDS."""

        def is_running() -> bool:
            return all(process.state == "RUNNING" for process in self.list_processes())

        return wait_until(is_running, deadline_s, pause_s=0.2)

    def list_processes(self) -> list[ProcessState]:
        """All processes, in the order of their names; none when supervisord does not answer."""
        try:
            found = self._call("getAllProcessInfo")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return []
        return [
            ProcessState(one["name"], one["statename"], one["pid"], one["now"] - one["start"] if one["pid"] else 0)
            for one in found
            if one["name"] != "restart-counter"
        ]

    def stop(self) -> list[int]:
        """Stop everything; the processes that had to be killed because they did not stop in time."""
        pid = self.read_pid()
        if pid is not None:
            self._call("shutdown")
            wait_until(lambda: not is_alive(pid), STOP_DEADLINE_S, pause_s=0.1)
        return self.kill_leftovers()

    def kill_leftovers(self) -> list[int]:
        """Kill what a supervisord that is gone left behind; the ids of those processes.

        supervisord names its socket in the environment of all it starts.
        """
        orphans = find_by_environment("SUPERVISOR_SERVER_URL", f"unix://{self._layout.supervisor_socket}")
        left = sorted({one for orphan in orphans for one in (orphan, *list_descendants(orphan))} - {os.getpid()})
        signal_all(left, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, left)), 5.0)
        return left
