"""A broken client rolls back one transaction after the other."""

from __future__ import annotations

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("PostgresRollbacks",)
DETECT_S = 150.0


def inject(stand: Stand) -> None:
    session = stand.connect()
    session.autocommit = False

    def roll_back() -> None:
        """Reads a table, because PostgreSQL 15 reports a session's rollbacks with its next use of a table only."""
        try:
            session.cursor().execute("SELECT 1 FROM poll_state")
        finally:
            session.rollback()

    repeat(stand, roll_back, pause_s=0.01)


def heal(stand: Stand) -> None:
    stand.undo.close()
