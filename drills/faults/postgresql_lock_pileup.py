"""One session holds a table's lock and works on, as a migration would; three others wait for it."""

from __future__ import annotations

from functools import partial

from drills.background import run_once
from drills.stand import Stand

EXPECT = ("PostgresLocksBlocked",)
WAITERS = 3


def inject(stand: Stand) -> None:
    stand.run_sql("CREATE TABLE IF NOT EXISTS drill_lock (id int)")
    for number in range(WAITERS + 1):
        sleep = "; SELECT pg_sleep(7200)" if number == 0 else ""
        session = stand.connect(admin=True)
        run_once(stand, partial(session.cursor().execute, f"BEGIN; LOCK TABLE drill_lock{sleep}"))
        stand.cancel_at_undo(session)


def heal(stand: Stand) -> None:
    stand.undo.close()
    stand.run_sql("DROP TABLE drill_lock")
    stand.undo.close()
