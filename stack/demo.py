"""The demo: the simulator makes orders of every channel, and all of them must come to be stored as it has them."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass

from app.errors import UsageError
from stack.layout import Layout
from stack.pages import open_session
from stack.processes import wait_until
from stack.servers import connect_for
from stack.simulated import CHANNELS, SIMULATOR, Control, Key, State, find_simulator, is_same

ORDERS_PER_CHANNEL = 20
STEPS = 4  # the longest life: some orders are just placed, some refunded
STORED_DEADLINE_S = 30.0
PUSHED_DEADLINE_S = 15.0
CALL_DEADLINE_S = 10.0
PAUSE_S = 0.3
POLLED_ONLY = "amazon"
WAY_TO_SHIPPED = ("processing", "packed", "shipped")
TOLD_EVERY_STATUS = ("standard",)  # the others are told that it is shipped, once

_STORED = """
SELECT channel, external_id, id, channel_status, total::text,
       (SELECT origin FROM inbox WHERE inbox.order_id = orders.id ORDER BY inbox.id LIMIT 1),
       (SELECT count(*) FROM order_events WHERE order_id = orders.id AND type = 'order_created')
FROM orders WHERE external_id = ANY(%s)
"""


@dataclass(frozen=True)
class ChannelResult:
    """Orders the simulator made of a channel, by what brought them first, and how many are stored as they are there."""

    channel: str
    made: int
    by_webhook: int
    by_poll: int
    stored: int


@dataclass(frozen=True)
class PushResult:
    """One order that was shipped here: how often the channel was told, and how often that changed something there.

    `messages` are those that it was told: one, but from a channel that is told every status on the way.
    """

    channel: str
    external_id: str
    received: int
    applied: int
    messages: int = 1


@dataclass(frozen=True)
class DemoResult:
    channels: list[ChannelResult]
    push: PushResult | None
    statuses: dict[str, int]  # what became of the orders, by the channels' word

    @property
    def is_complete(self) -> bool:
        """Everything is stored once and in its last state, and each push was done once."""
        stored = all(one.stored == one.made == one.by_webhook + one.by_poll for one in self.channels)
        return stored and self.push is not None and self.push.applied == self.push.messages


@dataclass(frozen=True)
class StoredOrder:
    id: int
    state: State
    origin: str
    created: int  # how often


def run_demo(layout: Layout, database_url: str, count: int = ORDERS_PER_CHANNEL) -> DemoResult:
    """Make `count` orders of every channel, ship one of them, and wait until the store has all as the channels do.

    Takes about as long as the next poll is off; waits at most 75 s. Raises UsageError when the simulator or the
    API does not do as it is told.
    """
    control = Control(find_simulator(layout), layout.secrets)
    try:
        made = {key for name in CHANNELS for key in control.make_orders(name, count, steps=STEPS)}
        return _Demo(layout, control, database_url, made).run()
    except OSError as error:
        raise UsageError(f"the demo came to a halt: {error}; see {layout.log_of(SIMULATOR)}") from error


class _Demo:
    """`truth` and `stored` are as they were last looked at."""

    def __init__(self, layout: Layout, control: Control, database_url: str, made: set[Key]) -> None:
        self._layout = layout
        self._control = control
        self._database_url = database_url
        self._made = made
        self._truth: dict[Key, State] = {}
        self._stored: dict[Key, StoredOrder] = {}

    def run(self) -> DemoResult:
        with_webhooks = {key for key in self._made if key[0] != POLLED_ONLY}
        wait_until(lambda: self._agrees(with_webhooks), STORED_DEADLINE_S, PAUSE_S)
        paid = min((key for key, one in self._stored.items() if one.state[0] == "paid"), key=_rank, default=None)
        if paid:
            self._ship(self._stored[paid].id)
            wait_until(lambda: self._read_push(paid).applied > 0, PUSHED_DEADLINE_S, PAUSE_S)
        wait_until(lambda: self._agrees(self._made), STORED_DEADLINE_S, PAUSE_S)
        channels = [self._sum_up(name) for name in CHANNELS]
        statuses = Counter(self._truth[key][0] for key in self._made)
        return DemoResult(channels, self._read_push(paid) if paid else None, dict(statuses))

    def _agrees(self, keys: set[Key]) -> bool:
        self._truth = self._control.read_truth()
        self._stored = _read_stored(self._database_url, self._made)
        return all(self._is_stored(key) for key in keys)

    def _is_stored(self, key: Key) -> bool:
        one = self._stored.get(key)
        return one is not None and one.created == 1 and is_same(self._truth.get(key), one.state)

    def _sum_up(self, name: str) -> ChannelResult:
        keys = {key for key in self._made if key[0] == name}
        origins = Counter(one.origin for key, one in self._stored.items() if key in keys)
        stored = sum(map(self._is_stored, keys))
        return ChannelResult(name, len(keys), origins["webhook"], origins["poll"], stored)

    def _ship(self, order_id: int) -> None:
        """As an operator does: read the order, then change what was read."""
        url = f"{self._layout.base_url}/orders/{order_id}"
        with open_session() as session:
            session.headers["Authorization"] = f"Bearer {self._layout.token_file.read_text(encoding='ascii').strip()}"
            for status in WAY_TO_SHIPPED:
                read = session.get(url, timeout=CALL_DEADLINE_S)
                read.raise_for_status()
                match = {"If-Match": read.headers["ETag"]}
                session.patch(
                    f"{url}/status", json={"status": status}, headers=match, timeout=CALL_DEADLINE_S
                ).raise_for_status()

    def _read_push(self, key: Key) -> PushResult:
        found = [one for one in self._control.read_pushes() if (one["channel"], one["order_external_id"]) == key]
        messages = max(1, len(found)) if key[0] in TOLD_EVERY_STATUS else 1
        return PushResult(*key, sum(one["received"] for one in found), sum(one["applied"] for one in found), messages)


def _rank(key: Key) -> tuple[int, str]:
    return CHANNELS.index(key[0]), key[1]


def _read_stored(database_url: str, keys: set[Key]) -> dict[Key, StoredOrder]:
    with closing(connect_for(CALL_DEADLINE_S, database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(_STORED, ([external_id for _, external_id in keys],))
        return {
            (channel, external_id): StoredOrder(order_id, (status, total), origin, created)
            for channel, external_id, order_id, status, total, origin, created in cursor.fetchall()
        }
