"""A process keeps nine of the ten connections of its pool: our pool, our metrics, another worker."""

from __future__ import annotations

from drills.leak import start_leaking
from drills.stand import Stand

EXPECT = ("ConnectionPoolSaturated",)
MAY = {"ConnectionPoolLeak": "connections that never come back are a leak, too"}
DETECT_S = 120.0


def inject(stand: Stand) -> None:
    start_leaking(stand, size=10, leaked=9)


def heal(stand: Stand) -> None:
    stand.undo.close()
