"""A worker is killed with SIGKILL, as the kernel does when memory is short; the supervisor starts it again."""

from __future__ import annotations

import signal

from drills.stand import Stand
from stack.processes import signal_all

EXPECT = ("WorkersKilled",)
RESOLVE_S = 180.0  # the alert's window
MAY = {"WorkerHeartbeatStale": "the dead one is registered for 80 s on any clock: longer than a tenth of five minutes"}


def inject(stand: Stand) -> None:
    signal_all(stand.list_family("worker-tasks"), signal.SIGKILL)


def heal(stand: Stand) -> None:
    """Nothing to do: it was started again at once, and the window passes."""
