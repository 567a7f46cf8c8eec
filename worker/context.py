"""What a job needs of its process: RQ calls jobs as plain functions, so the process leaves it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.channels.base import Client
from app.channels.clients import make_clients
from app.config import Config
from app.queue import WorkQueue
from app.store.pool import Pool


@dataclass
class Context:
    config: Config
    pool: Pool
    queue: WorkQueue
    clients: Mapping[str, Client] = field(default_factory=dict)
    """Channels with API settings, by name."""
    beat: Callable[[], None] = field(default=lambda: None)
    """Tells RQ that this worker lives."""
    stopping: Callable[[], bool] = field(default=lambda: False)
    """True once a shutdown was asked for."""


_current: list[Context] = []


def use(context: Context) -> None:
    """Set the context of this process."""
    _current[:] = [context]


def current() -> Context:
    """Raises RuntimeError outside of a worker process."""
    if not _current:
        raise RuntimeError("jobs run in `palmonas worker` only")
    return _current[0]


def open_context(config: Config) -> Context:
    """Connections for a worker or a dispatcher: batches may take ten times as long as the API's statements."""
    pool = Pool(
        config.database_url,
        name="worker",
        size=2,
        timeout_s=config.pool_timeout_s,
        connect_timeout_s=config.connect_timeout_s,
        statement_timeout_s=config.statement_timeout_s * 10,
    )
    queue = WorkQueue(
        config.redis_url, timeout_s=config.pool_timeout_s, connect_timeout_s=config.connect_timeout_s, size=5
    )
    return Context(config, pool, queue, make_clients(config))
