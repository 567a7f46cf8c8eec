"""Schema migrations: alembic with plain SQL, one at a time by an advisory lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

from app.errors import StoreUnavailable
from app.store.pool import Pool

MIGRATIONS = Path(__file__).parent / "migrations"


def _configure(database_url: str = "") -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str) -> str:
    """Bring the schema to the newest version and return it. Raises StoreUnavailable."""
    import sqlalchemy.exc

    try:
        command.upgrade(_configure(database_url), "head")
    except sqlalchemy.exc.OperationalError as error:
        raise StoreUnavailable("PostgreSQL cannot be reached or refused the migration; see its log") from error
    return expected_version()


def expected_version() -> str:
    """The schema version this code was written for."""
    head = ScriptDirectory.from_config(_configure()).get_current_head()
    assert head is not None, "no migration is packaged"
    return head


def read_version(pool: Pool) -> str | None:
    """The version of the schema that is in the database; None before the first migration."""
    with pool.autocommit("schema_version") as cursor:
        cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
        if not _only(cursor):
            return None
        cursor.execute("SELECT version_num FROM alembic_version")
        return str(_only(cursor))


def _only(cursor: Any) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None
