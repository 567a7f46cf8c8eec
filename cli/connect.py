"""One connection to the store, for a command."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from app.store.pool import Pool
from cli.settings import load_config


@contextmanager
def open_store(statement_timeout_s: float | None = None) -> Iterator[Pool]:
    """The store that the settings name, or the local stack's. Raises ConfigError; its use raises what `Pool` does."""
    config = load_config()
    pool = Pool(
        config.database_url,
        name="cli",
        size=1,
        timeout_s=config.pool_timeout_s,
        connect_timeout_s=config.connect_timeout_s,
        statement_timeout_s=statement_timeout_s or config.statement_timeout_s,
    )
    try:
        yield pool
    finally:
        pool.close()


def make_request_id() -> str:
    """The id of one command's work, in logs and the audit log."""
    return f"command-{secrets.token_hex(8)}"
