"""Every ten seconds something locks the table of tokens for 2.3 s: most of a dozen operators wait in vain."""

from __future__ import annotations

from drills.stand import Stand
from drills.waits import make_operators_wait

EXPECT = ("ConnectionPoolTimeouts",)
MAY = {
    "PalmonasApiErrors": "who waits in vain gets 503",
    "HaproxyErrors": "and HAProxy counts it, too",
    "ConnectionPoolHeldLong": "who has a connection holds it for as long as the lock is there",
    "ConnectionPoolExhausted": "the pool is full for two seconds at a time, and on a busy machine for a third",
}
OPERATORS = 12  # the pool has 5 connections, and its callers wait for 2 s


def inject(stand: Stand) -> None:
    make_operators_wait(stand, OPERATORS, locked_s=2.3, pause_s=7.7)


def heal(stand: Stand) -> None:
    stand.undo.close()
