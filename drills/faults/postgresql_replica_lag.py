"""The replica takes what the primary sends and replays none of it, while the primary writes 110 MB within a minute."""

from __future__ import annotations

import time

from drills.replica import run_on_replica
from drills.stand import Stand

SCALE = True
EXPECT = ("PostgresReplicaLag",)
DETECT_S = 120.0  # "for" is five minutes, and the writing takes its time

PORTIONS = 22
PAUSE_S = 2.0  # between two portions: a disk that is flooded is another fault
# Five megabytes into the log, and nowhere else.
WRITE = "SELECT count(pg_logical_emit_message(false, 'drill', repeat('x', 1000000))) FROM generate_series(1, 5)"


def inject(stand: Stand) -> None:
    run_on_replica(stand, "SELECT pg_wal_replay_pause()")
    for _ in range(PORTIONS):
        stand.run_sql(WRITE)
        time.sleep(PAUSE_S)


def heal(stand: Stand) -> None:
    run_on_replica(stand, "SELECT pg_wal_replay_resume()")
