"""Every ten seconds something locks the table of tokens for 2.3 s: most of a dozen operators wait in vain."""

from __future__ import annotations

from drills.background import repeat
from drills.console import list_orders
from drills.database import lock_table
from drills.stand import Stand

EXPECT = ("ConnectionPoolTimeouts",)
MAY = {
    "PalmonasApiErrors": "who waits in vain gets 503",
    "HaproxyErrors": "and HAProxy counts it, too",
    "ConnectionPoolHeldLong": "who has a connection holds it for as long as the lock is there",
    "ConnectionPoolExhausted": "the pool is full for two seconds at a time, and on a busy machine for a third",
}
OPERATORS = 12  # the pool has 5 connections, and its callers wait for 2 s


def inject(stand: Stand) -> None:
    repeat(stand, lambda: lock_table(stand, "api_tokens", "ACCESS EXCLUSIVE", 2.3), pause_s=7.7)
    repeat(stand, lambda: list_orders(stand), threads=OPERATORS, pause_s=0.5)


def heal(stand: Stand) -> None:
    stand.undo.close()
