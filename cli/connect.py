"""One connection to the store, for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.config import Config
from app.store.pool import Pool


@contextmanager
def open_store() -> Iterator[Pool]:
    """The store that the settings name. Raises ConfigError; its use raises what `Pool` does."""
    config = Config()
    pool = Pool(
        config.database_url,
        name="cli",
        size=1,
        timeout_s=config.pool_timeout_s,
        connect_timeout_s=config.connect_timeout_s,
        statement_timeout_s=config.statement_timeout_s,
    )
    try:
        yield pool
    finally:
        pool.close()
