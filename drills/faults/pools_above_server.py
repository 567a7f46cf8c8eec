"""One more console instance is deployed with POOL_MAX 500: the pools may open more than PostgreSQL takes."""

from __future__ import annotations

from drills.instance import start_console
from drills.stand import Stand

EXPECT = ("ConnectionPoolsAboveServer/warning/postgresql",)
DETECT_S = 150.0


def inject(stand: Stand) -> None:
    start_console(stand, POOL_MAX="500")


def heal(stand: Stand) -> None:
    stand.undo.close()
