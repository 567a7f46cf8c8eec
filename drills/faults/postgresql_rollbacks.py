"""A broken client rolls back one transaction after the other."""

from __future__ import annotations

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("PostgresRollbacks",)
DETECT_S = 150.0


def inject(stand: Stand) -> None:
    session = stand.connect()
    # A table is read, because PostgreSQL 15 reports the rollbacks of a session with its next use of a table only.
    repeat(stand, lambda: session.cursor().execute("BEGIN; SELECT 1 FROM poll_state; ROLLBACK"), pause_s=0.01)


def heal(stand: Stand) -> None:
    stand.undo.close()
