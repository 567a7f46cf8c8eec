"""Operators who wait for a connection of the console's pool, because something locks the table of tokens."""

from __future__ import annotations

from drills.background import repeat
from drills.console import list_orders
from drills.database import lock_table
from drills.stand import Stand

ASK_PAUSE_S = 0.5


def make_operators_wait(stand: Stand, operators: int, *, locked_s: float, pause_s: float) -> None:
    """So many operators list orders over and over, while the lock comes and goes, until the drill is undone.

    Five of them get the pool's connections, and hold them for as long as the lock is there.
    """
    repeat(stand, lambda: lock_table(stand, "api_tokens", "ACCESS EXCLUSIVE", locked_s), pause_s=pause_s)
    repeat(stand, lambda: list_orders(stand), threads=operators, pause_s=ASK_PAUSE_S)
