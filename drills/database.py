"""What a drill asks of PostgreSQL."""

from __future__ import annotations

from contextlib import closing

from drills.stand import Stand
from stack.servers import connect_for

LOCK_DEADLINE_S = 10.0  # for the connect and the wait for the lock

_FREE = """
WITH most AS (
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS sessions
)
SELECT sessions - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), sessions FROM most
"""


def count_free_sessions(stand: Stand) -> tuple[int, int]:
    """Sessions that are free for clients beside the one that asks, and those there are in all."""
    with stand.connect().cursor() as cursor:
        cursor.execute(_FREE)
        free, most = cursor.fetchone() or (0, 0)
    return free, most


def lock_table(stand: Stand, table: str, mode: str, seconds: float) -> None:
    """Hold `table` locked in `mode` for so long, in a session of its own. Raises psycopg2.Error, StoreUnavailable."""
    with closing(connect_for(seconds + LOCK_DEADLINE_S, stand.servers.postgres.url)) as session:
        session.autocommit = True
        session.cursor().execute(f"BEGIN; LOCK TABLE {table} IN {mode} MODE; SELECT pg_sleep({seconds}); COMMIT")
