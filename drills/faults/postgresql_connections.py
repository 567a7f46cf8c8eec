"""A client that does not close its sessions takes all but two of those that PostgreSQL has for clients."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PostgresConnectionsExhausted",)
LEFT = 2

_FREE = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - count(*)
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


def inject(stand: Stand) -> None:
    with stand.connect().cursor() as cursor:
        cursor.execute(_FREE)
        (free,) = cursor.fetchone() or (0,)
    for _ in range(free - LEFT):
        stand.connect()


def heal(stand: Stand) -> None:
    stand.undo.close()
