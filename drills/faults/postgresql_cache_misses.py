"""Somebody reads a table that does not fit into shared buffers, over and over."""

from __future__ import annotations

import time

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("PostgresCacheMisses",)
DETECT_S = 330.0  # nobody waits for an info: its group waits longest
LIFE_S = 7200.0  # longer than the fault, in real time, too; other sessions of drills are over within seconds
ROWS = 120_000  # four on a page of 8 KB: 240 MB, and shared buffers have 128


def inject(stand: Stand) -> None:
    stand.undo.callback(stand.run_sql, "DROP TABLE IF EXISTS drill_big")
    stand.connect().cursor().execute(
        "CREATE UNLOGGED TABLE drill_big AS SELECT repeat(md5(n::text), 60) FROM generate_series(1, %s) AS n", (ROWS,)
    )
    session = stand.connect()
    session.deadline = time.monotonic() + LIFE_S  # type: ignore[attr-defined]  # of stack.servers.connect_for
    stand.cancel_at_undo(session)
    repeat(stand, lambda: session.cursor().execute("SELECT count(*) FROM drill_big"), pause_s=0.1)


def heal(stand: Stand) -> None:
    stand.undo.close()
