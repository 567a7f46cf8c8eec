"""What every server of ours can do: start, stop, break and come back, in a private directory."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from app.errors import UsageError
from stack.processes import (
    find_free_port,
    is_alive,
    list_descendants,
    run_as_server_user,
    signal_all,
    wait_until,
)

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0


class Server:
    """One server process under our control; `directory` holds its data, its passwords and its log."""

    name = "server"

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.port = port or find_free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make data and configuration on first use; nothing when they are there."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The argument list that runs the server in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """True when the server takes a connection and answers."""
        raise NotImplementedError

    @property
    def stop_signal(self) -> signal.Signals:
        return signal.SIGTERM

    @property
    def log_path(self) -> Path:
        return self.directory / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """Raises UsageError when the server was not started."""
        if self._process is None:
            raise UsageError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until the server answers. Raises UsageError with the end of its log."""
        self.prepare()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                **run_as_server_user(),  # type: ignore[call-overload]  # a dict of user, group, extra_groups
            )
        process = self._process
        if not wait_until(lambda: process.poll() is not None or self.answers(), START_DEADLINE_S):
            self.kill9()
        if process.poll() is not None:
            tail = self.log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise UsageError(f"{self.name} did not start on port {self.port}; its log ends:\n{tail}")

    def stop(self) -> None:
        """Stop in order, and by force when that takes longer than 20 s."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill9()
        self._process = None

    def kill9(self) -> None:
        """Kill the server and its children with SIGKILL, and wait until they are gone."""
        family = self._family()
        signal_all(family, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(STOP_DEADLINE_S)
        wait_until(lambda: not any(map(is_alive, family)), STOP_DEADLINE_S)
        self._process = None

    def restart(self) -> None:
        """Stop in order and start again on the same port with the same data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP the server and its children: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        signal_all(self._family(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        signal_all(self._family(), signal.SIGCONT)

    def _family(self) -> list[int]:
        return [self.pid, *list_descendants(self.pid)] if self._process is not None else []
