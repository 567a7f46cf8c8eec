"""One worker is frozen with SIGSTOP: it is registered, takes nothing, and says nothing."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("WorkerHeartbeatStale",)
DETECT_S = 90.0  # heartbeats age on the wall's clock: 30 s


def inject(stand: Stand) -> None:
    stand.freeze("worker-push")


def heal(stand: Stand) -> None:
    stand.thaw()
