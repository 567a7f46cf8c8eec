"""A session locks the table of orders against writing: the worker is there, and no delivery becomes an order."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("InboxOldestAge",)
DETECT_S = 90.0
MAY = {
    "PostgresIdleInTransaction": "the session that holds the lock does nothing",
    "PostgresLocksBlocked": "the drain waits for it",
    "ConnectionPoolHeldLong": "and holds its connection",
    "QueueStuck": "and its job does not end",
    "SloBudgetBurn": "what is stored late burns the objective of accepted to stored",
}


def inject(stand: Stand) -> None:
    stand.connect().cursor().execute("BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE")


def heal(stand: Stand) -> None:
    stand.undo.close()
