"""A client that does not close its sessions has taken most of those that PostgreSQL has for clients; some are left."""

from __future__ import annotations

from drills.database import count_free_sessions
from drills.stand import Stand

EXPECT = ("PostgresConnectionsHigh",)
DETECT_S = 90.0
FILLED = 0.9


def inject(stand: Stand) -> None:
    free, most = count_free_sessions(stand)
    for _ in range(free - int(most * (1 - FILLED))):
        stand.connect()


def heal(stand: Stand) -> None:
    stand.undo.close()
