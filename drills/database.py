"""What a drill asks of PostgreSQL."""

from __future__ import annotations

from drills.stand import Stand

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
