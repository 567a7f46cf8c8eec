"""Schema migrations: alembic with plain SQL, one at a time by an advisory lock."""

from __future__ import annotations

import sqlalchemy.exc
from alembic import command
from alembic.config import Config as AlembicConfig

from app.errors import StoreUnavailable
from app.store.schema import MIGRATIONS, expected_version


def configure_alembic(database_url: str = "") -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str) -> str:
    """Bring the schema to the newest version and return it. Raises StoreUnavailable."""
    try:
        command.upgrade(configure_alembic(database_url), "head")
    except sqlalchemy.exc.OperationalError as error:
        raise StoreUnavailable("PostgreSQL cannot be reached or refused the migration; see its log") from error
    return expected_version()
