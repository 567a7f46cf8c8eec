"""What a backup is compared by: rows and a checksum of every table, in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.store.pool import Cursor, Pool

PATIENCE_S = 6 * 3600.0  # longest statement: a checksum reads the whole of a table


@dataclass(frozen=True, slots=True)
class TableSum:
    """Rows of a table, and the sum of the first 60 bits of each row's MD5: the same whatever order they are read in."""

    rows: int
    checksum: str


@contextmanager
def hold_snapshot(pool: Pool) -> Iterator[tuple[Cursor, str]]:
    """A read-only transaction, and the name by which `pg_dump --snapshot` sees just what it sees."""
    with pool.transaction("backup") as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor, str(cursor.fetchone()[0])


def read_sums(cursor: Cursor) -> dict[str, TableSum]:
    """Every table of the schema `public`, by name."""
    found = {}
    for name in list_tables(cursor):
        # A row's text depends on no setting but these, and the pool sets the zone for both sides.
        cursor.execute(
            f"SELECT count(*), coalesce(sum(('x' || left(md5(whole::text), 15))::bit(60)::bigint), 0)::text"
            f' FROM public."{name}" AS whole'
        )
        found[name] = TableSum(*cursor.fetchone())
    return found


def list_tables(cursor: Cursor) -> list[str]:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    return [name for (name,) in cursor.fetchall()]


def count_objects(pool: Pool) -> int:
    """Tables, sequences, views and functions in the schema `public`: 0 in an empty database."""
    with pool.autocommit("backup") as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
            " + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)"
        )
        return int(cursor.fetchone()[0])


def read_server_major(pool: Pool) -> int:
    with pool.autocommit("backup") as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        return int(cursor.fetchone()[0])
