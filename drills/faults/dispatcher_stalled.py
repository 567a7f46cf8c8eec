"""A session locks the table of polls: the dispatcher runs, and no sweep of it gets through."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("DispatcherStalled",)
DETECT_S = 90.0
MAY = {
    "PostgresIdleInTransaction": "the session that holds the lock does nothing",
    "PostgresLocksBlocked": "the sweep waits for it",
    "CollectorFailed": "the exporter reads the same table, and gives up",
}


def inject(stand: Stand) -> None:
    stand.connect().cursor().execute("BEGIN; LOCK TABLE poll_state IN ACCESS EXCLUSIVE MODE")


def heal(stand: Stand) -> None:
    stand.undo.close()
