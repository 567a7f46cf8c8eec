"""A client that does not close its sessions takes all but two of those that PostgreSQL has for clients."""

from __future__ import annotations

from drills.database import count_free_sessions
from drills.stand import Stand

EXPECT = ("PostgresConnectionsExhausted",)
LEFT = 2


def inject(stand: Stand) -> None:
    free, _ = count_free_sessions(stand)
    for _ in range(free - LEFT):
        stand.connect()


def heal(stand: Stand) -> None:
    stand.undo.close()
