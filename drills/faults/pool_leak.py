"""A process takes two connections of its pool and never gives them back: our pool, our metrics, another worker."""

from __future__ import annotations

from drills.leak import start_leaking
from drills.stand import Stand

EXPECT = ("ConnectionPoolLeak",)
DETECT_S = 240.0
RESOLVE_S = 180.0


def inject(stand: Stand) -> None:
    start_leaking(stand, size=5, leaked=2)


def heal(stand: Stand) -> None:
    stand.undo.close()
