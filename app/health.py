"""Health: what a process says of itself and of the servers it uses, within a second whatever is frozen.

`/livez` asks nobody. `/readyz` is about this process alone: a shared server that is away would otherwise take
every instance out of service at once. `/health` asks everybody, each with a deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import PalmonasError

DEADLINE_S = 0.8  # /health answers within a second

Check = Callable[[], Mapping[str, Any]]


class CheckFailed(PalmonasError):
    """A check that looked and found something wrong; the text is shown."""


@dataclass
class _Running:
    started: float
    done: threading.Event
    result: dict[str, Any] = field(default_factory=dict)


class HealthReport:
    """Runs named checks at the same time; one that hangs is reported as such and never started twice."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    def read(self) -> dict[str, Any]:
        """`status` (ok, degraded) and, for each check, its status, seconds and findings."""
        deadline = time.monotonic() + DEADLINE_S
        runs = {name: self._start(name) for name in self._checks}
        found: dict[str, dict[str, Any]] = {}
        for name, run in runs.items():
            run.done.wait(max(0.0, deadline - time.monotonic()))
            found[name] = self._collect(name, run)
        healthy = all(one["status"] == "ok" for one in found.values())
        return {"status": "ok" if healthy else "degraded", "checks": found}

    def _start(self, name: str) -> _Running:
        with self._lock:
            running = self._running.get(name)
            if running is None:
                running = self._running[name] = _Running(time.monotonic(), threading.Event())
                threading.Thread(target=self._run, args=(name, running), name=f"health-{name}", daemon=True).start()
            return running

    def _run(self, name: str, running: _Running) -> None:
        try:
            running.result = {"status": "ok", **self._checks[name]()}
        except CheckFailed as error:
            running.result = {"status": "failed", "detail": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever a check raises is its finding
            running.result = {"status": "failed", "detail": f"{type(error).__name__}: did not answer"}
        finally:
            with self._lock:
                self._running.pop(name, None)
            running.result["seconds"] = round(time.monotonic() - running.started, 4)
            running.done.set()

    @staticmethod
    def _collect(name: str, run: _Running) -> dict[str, Any]:
        if run.done.is_set():
            return run.result
        waited = round(time.monotonic() - run.started, 4)
        return {"status": "failed", "detail": f"{name} has not answered for {waited} s", "seconds": waited}


class Readiness:
    """Whether this process should get work: not while starting or draining, nor when it is broken by itself."""

    def __init__(self) -> None:
        self._problem: str | None = "starting"
        self._broken: Callable[[], str | None] = lambda: None

    def watch(self, broken: Callable[[], str | None]) -> None:
        """`broken` returns a sentence when this process cannot do its work any more."""
        self._broken = broken

    def set_ready(self) -> None:
        self._problem = None

    def set_waiting(self, problem: str) -> None:
        self._problem = problem

    def set_draining(self) -> None:
        self._problem = "draining"

    @property
    def problem(self) -> str | None:
        """Why this process is not ready; None when it is."""
        return self._problem or self._broken()
