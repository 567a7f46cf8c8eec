"""Something locks the table of tokens for 1.4 s at a time: operators are answered, and wait for it."""

from __future__ import annotations

from drills.stand import Stand
from drills.waits import make_operators_wait

EXPECT = ("PalmonasApiSlow/warning/requests",)
DETECT_S = 120.0
RESOLVE_S = 180.0
MAY = {
    "ConnectionPoolHeldLong": "who has a connection holds it for as long as the lock is there",
    "ConnectionPoolSlow": "on a busy machine the load's operator waits behind the drill's",
}
OPERATORS = 3  # the pool has 5 connections: nobody waits for one


def inject(stand: Stand) -> None:
    make_operators_wait(stand, OPERATORS, locked_s=1.4, pause_s=0.5)


def heal(stand: Stand) -> None:
    stand.undo.close()
