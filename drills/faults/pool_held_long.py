"""A lock on the table of tokens comes and goes: two operators hold a connection for 2.5 s of every 4."""

from __future__ import annotations

from drills.background import repeat
from drills.console import list_orders
from drills.database import lock_table
from drills.stand import Stand

EXPECT = ("ConnectionPoolHeldLong",)
DETECT_S = 120.0
RESOLVE_S = 120.0  # the alert's window
OPERATORS = 2


def inject(stand: Stand) -> None:
    repeat(stand, lambda: lock_table(stand, "api_tokens", "ACCESS EXCLUSIVE", 2.5), pause_s=1.5)
    repeat(stand, lambda: list_orders(stand), threads=OPERATORS, pause_s=0.2)


def heal(stand: Stand) -> None:
    stand.undo.close()
