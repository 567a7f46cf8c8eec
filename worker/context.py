"""What a job needs of its process: RQ calls jobs as plain functions, so the process leaves it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.channels import CHANNELS
from app.channels.base import Client, Parse
from app.channels.clients import list_addresses, make_clients
from app.config import Config
from app.orders.privacy import guard_shop
from app.queue import WorkQueue
from app.store.pool import Pool

PARSERS: Mapping[str, Parse] = {name: channel.parse for name, channel in CHANNELS.items()}


@dataclass
class Context:
    config: Config
    pool: Pool
    queue: WorkQueue
    clients: Mapping[str, Client] = field(default_factory=dict)
    """Channels with API settings, by name."""
    parsers: Mapping[str, Parse] = field(default_factory=lambda: PARSERS)
    """What reads the deliveries of each channel."""
    beat: Callable[[], None] = field(default=lambda: None)
    """Tells RQ that this worker lives."""
    stopping: Callable[[], bool] = field(default=lambda: False)
    """True once a shutdown was asked for."""

    def show_life(self) -> None:
        """Beat between the calls of a channel: each is bounded, and a page of a list, or a push, may need many."""
        self.beat()


_current: list[Context] = []


def make_parsers(config: Config) -> dict[str, Parse]:
    """The channels' parsers; where the address of a shop's API is set, only that shop may ask for erasure.

    Not so where that address is the simulator's, which is not a shop's.
    """
    found = dict(PARSERS)
    simulated = {place.rpartition(":")[0].strip("[]") for place in config.outbound_allow}
    for name, address in list_addresses(config).items():
        host = urlsplit(address).hostname or ""
        if host not in simulated:
            found[name] = guard_shop(found[name], host)
    return found


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
        config.redis_place,
        timeout_s=config.pool_timeout_s,
        connect_timeout_s=config.connect_timeout_s,
        size=5,
        push_retry_delays_s=config.push_retry_delays_s,
    )
    context = Context(config, pool, queue, parsers=make_parsers(config))
    context.clients = make_clients(config, called=context.show_life)
    return context
