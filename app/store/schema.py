"""Which schema this code needs and which one is there. Without alembic, whose import costs a second and 25 MB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.store.pool import Pool

MIGRATIONS = Path(__file__).parent / "migrations"


def expected_version() -> str:
    """The newest migration's revision: its file is named `<revision>_<title>.py`, and revisions sort."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def read_version(pool: Pool) -> str | None:
    """The version of the schema that is in the database; None before the first migration."""
    with pool.autocommit("schema_version") as cursor:
        cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if not _read_only(cursor):
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        version: str | None = _read_only(cursor)
        return version


def _read_only(cursor: Any) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
