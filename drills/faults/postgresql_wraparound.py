"""Transactions are used up and nothing is frozen; the alert's line is moved to where a hundred thousand cross it."""

from __future__ import annotations

from contextlib import closing

from drills.lines import move_line
from drills.stand import Stand
from stack.servers import connect_for

EXPECT = ("PostgresWraparound",)
DETECT_S = 60.0
USED = 100_000  # transactions: more than the stand's load uses up while the drill lasts
DEADLINE_S = 120.0


def inject(stand: Stand) -> None:
    with closing(connect_for(DEADLINE_S, _find_database(stand, "palmonas"))) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("SELECT max(age(datfrozenxid)) FROM pg_database")
            move_line(stand, "postgres_frozen_age", cursor.fetchone()[0] + USED // 2)
            # What has changed nothing needs no flush when it commits: a few seconds in all.
            cursor.execute(
                f"DO $$ BEGIN FOR n IN 1..{USED} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
            )


def heal(stand: Stand) -> None:
    """Freeze every database, template0 too, as the runbook says; then the line goes back."""
    with closing(connect_for(DEADLINE_S, _find_database(stand, "postgres"))) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
            cursor.execute("SELECT datname FROM pg_database")
            names = [name for (name,) in cursor.fetchall()]
            try:
                for name in names:
                    _freeze(_find_database(stand, name))
            finally:
                cursor.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS false")


def _find_database(stand: Stand, name: str) -> str:
    return stand.servers.postgres.make_url(name, "postgres")


def _freeze(url: str) -> None:
    with closing(connect_for(DEADLINE_S, url)) as session:
        session.autocommit = True
        session.cursor().execute("VACUUM FREEZE")
