"""A broken client rolls back one transaction after the other."""

from __future__ import annotations

import time

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("PostgresRollbacks",)
DETECT_S = 150.0
LIFE_S = 3600.0  # longer than the fault, in real time, too; other sessions of drills are over within seconds


def inject(stand: Stand) -> None:
    session = stand.connect()
    session.autocommit = False
    session.deadline = time.monotonic() + LIFE_S  # type: ignore[attr-defined]  # of stack.servers.connect_for

    def roll_back() -> None:
        """Reads a table, because PostgreSQL 15 reports a session's rollbacks with its next use of a table only."""
        try:
            session.cursor().execute("SELECT 1 FROM poll_state")
        finally:
            session.rollback()

    repeat(stand, roll_back, pause_s=0.01)


def heal(stand: Stand) -> None:
    stand.undo.close()
