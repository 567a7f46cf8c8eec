"""A client's statement does not end: pg_sleep, which works on in its transaction."""

from __future__ import annotations

from drills.background import run_once
from drills.stand import Stand

EXPECT = ("PostgresLongTransaction",)
DETECT_S = 90.0


def inject(stand: Stand) -> None:
    session = stand.connect()
    run_once(stand, lambda: session.cursor().execute("SELECT pg_sleep(7200)"))
    stand.cancel_at_undo(session)


def heal(stand: Stand) -> None:
    stand.undo.close()
