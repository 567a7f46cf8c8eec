"""Two sessions lock two rows in opposite order, again and again: PostgreSQL ends one of each pair."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial

from psycopg2.errors import DeadlockDetected

from drills.background import run_once
from drills.stand import Stand

EXPECT = ("PostgresDeadlocks",)
RESOLVE_S = 120.0  # the alert's window
PAIRS = 3


def inject(stand: Stand) -> None:
    stand.run_sql("CREATE TABLE drill_rows (id int PRIMARY KEY, touched int)")
    stand.run_sql("INSERT INTO drill_rows VALUES (1, 0), (2, 0)")
    both_hold_one = threading.Barrier(2)
    for first, second in ((1, 2), (2, 1)):
        run_once(stand, partial(_deadlock, stand, both_hold_one, first, second))


def _deadlock(stand: Stand, both_hold_one: threading.Barrier, first: int, second: int) -> None:
    for _ in range(PAIRS):
        session = stand.connect(admin=True)
        with session.cursor() as cursor:
            cursor.execute("BEGIN; UPDATE drill_rows SET touched = 1 WHERE id = %s", (first,))
            both_hold_one.wait(timeout=10)
            with suppress(DeadlockDetected):
                cursor.execute("UPDATE drill_rows SET touched = 1 WHERE id = %s", (second,))
            cursor.execute("ROLLBACK")


def heal(stand: Stand) -> None:
    stand.undo.close()
    stand.run_sql("DROP TABLE drill_rows")
