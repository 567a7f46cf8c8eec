"""A small world of channels beside the service's own functions on a real database, moved step by step.

What the channels have made is in the simulator's world; what the service knows is in PostgreSQL. Time of leases and
pauses passes when it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2

from app.channels import CHANNELS
from app.channels.base import Client, Parse
from app.channels.clients import list_pushes, make_clients
from app.config import PREFIX, Config
from app.errors import CallFailed
from app.orders import status
from app.orders.drain import drain_batch
from app.orders.poll import PollResult, poll_channel
from app.orders.push import push_message
from app.orders.transitions import list_next
from app.store import order_status
from app.store.inbox import NewDelivery, insert_deliveries
from app.store.polls import list_due
from app.store.pool import Pool
from tests.bystanders import Sliced
from tests.shops import Rush
from tests.simulated import is_same
from tests.simulation import Laboratory

POLLED = ("shopify", "woocommerce", "amazon")
PARSERS = {name: channel.parse for name, channel in CHANNELS.items()}
TRIES = 30  # a message is never given up for bad days alone
LOOKBACK_S = 7200.0
EMPTY = "TRUNCATE orders, inbox, outbox, poll_state CASCADE"
STORED = "SELECT channel, external_id, channel_status, total::text, channel_version FROM orders"
TIME_PASSES = (
    "UPDATE poll_state SET lease_until = now() - interval '1 second', next_poll_at = now() - interval '1 minute'",
    "UPDATE outbox SET next_attempt_at = now() - interval '1 second' WHERE state = 'pending'",
    "UPDATE inbox SET next_attempt_at = now() - interval '1 second' WHERE state = 'pending'",
)


@dataclass(frozen=True)
class Letter:
    """A webhook on its way."""

    channel: str
    delivery_id: str
    topic: str
    body: str


class SmallWorld:
    """`url` is the database's; `settings` those of `tests.simulation.serve` for `laboratory`."""

    def __init__(self, url: str, laboratory: Laboratory, settings: dict[str, str]) -> None:
        self.laboratory = laboratory
        self.post: list[Letter] = []
        self.delivered: list[Letter] = []
        self.versions: dict[tuple[str, str], datetime] = {}
        self._url = url
        self._config = Config({PREFIX + name: value for name, value in settings.items()})
        self._letters = 0
        self._polls = 0
        laboratory.simulation.misbehaviour.ended.clear()
        laboratory.simulation.reset(laboratory.seed)
        laboratory.simulation.set_speed(10_000)
        laboratory.sent.clear()
        laboratory.now = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
        self._admin = psycopg2.connect(url)
        self._admin.autocommit = True
        self.execute(EMPTY)
        self.open()

    def open(self) -> None:
        """What a process that starts has: connections, clients, circuit breakers, tokens of its own."""
        self.pool = Pool(self._url, name="test", size=4, timeout_s=2.0, connect_timeout_s=2.0, statement_timeout_s=5.0)
        self.clients: dict[str, Client] = make_clients(self._config)
        for client in self.clients.values():
            if hasattr(client, "_pace"):
                client._pace = Rush()
            if hasattr(client, "_clock"):  # signatures are of the world's time
                client._clock = self.read_clock
        list_due(self.pool, POLLED, LOOKBACK_S)

    def read_clock(self) -> float:
        return self.laboratory.now.timestamp()

    def close(self) -> None:
        self.pool.close()
        self._admin.close()

    def restart(self) -> None:
        self.pool.close()
        self.open()

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._admin.cursor() as cursor:
            cursor.execute(sql, values or None)
            return [] if cursor.description is None else list(cursor.fetchall())

    def kill_backends(self) -> None:
        """End every connection of the service, whatever it is in the middle of."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def pass_time(self) -> None:
        """Every lease and every pause comes to its end."""
        for sql in TIME_PASSES:
            self.execute(sql)

    # what the channels do

    def collect_post(self) -> None:
        """Put what the channels have sent meanwhile on its way."""
        for channel, topic, body in self.laboratory.sent:
            self._letters += 1
            self.post.append(Letter(channel, f"letter-{self._letters}", topic, body.decode()))
        self.laboratory.sent.clear()

    def deliver(self, letter: Letter) -> None:
        insert_deliveries(
            self.pool, [NewDelivery(letter.channel, letter.delivery_id, letter.topic, "machine", letter.body)]
        )

    # what the service does

    def drain(self, limit: int = 50, parsers: Mapping[str, Parse] | None = None) -> int:
        return drain_batch(self.pool, parsers or PARSERS, limit, "machine")

    def poll(self, channel: str, client: Client | None = None) -> PollResult | None:
        """A poll that is due, of small pages. Raises what a poll raises."""
        self.execute("UPDATE poll_state SET next_poll_at = now() - interval '1 minute'")
        self._polls += 1
        return poll_channel(
            self.pool,
            channel,
            client or Sliced(self.clients[channel]),
            holder=f"poller-{self._polls}",
            interval_s=60,
            overlap_s=5,
            settle_s=0,
            lease_s=60,
            retry_s=10,
        )

    def list_waiting(self) -> list[int]:
        return [row[0] for row in self.execute("SELECT id FROM outbox WHERE state = 'pending' ORDER BY id")]

    def push(self, message_id: int, clients: dict[str, Client] | None = None) -> str:
        try:
            return push_message(self.pool, clients or self.clients, message_id, retry_delays_s=[1] * TRIES)
        except CallFailed:
            return "retried"

    def change_status(self, pick: int) -> bool:
        """An operator moves one order on; False when there is none that may be moved."""
        ids = [row[0] for row in self.execute("SELECT id FROM orders WHERE placed_at IS NOT NULL ORDER BY id")]
        if not ids:
            return False
        order_id = ids[pick % len(ids)]
        with self.pool.transaction("test") as cursor:
            current = order_status.read_progress(cursor, order_id)
        assert current
        allowed = list_next(current.progress, current.channel_status)
        pushed = list_pushes(self._config)
        told = [one for one in allowed if one in pushed[current.channel]]
        if pick % 2 and told:
            allowed = told
        if not allowed:
            return False
        status.change_status(
            self.pool,
            order_id,
            allowed[pick // 7 % len(allowed)],
            revision=current.revision,
            actor="operator:test",
            request_id="machine",
            pushed=pushed,
        )
        return True

    # what must be true

    def read_truth(self) -> dict[tuple[str, str], tuple[str, str | None]]:
        orders = self.laboratory.ask_oracle()["orders"]
        return {(one["channel"], one["external_id"]): (one["channel_status"], one["total"]) for one in orders}

    def check_versions(self) -> None:
        """No order that nobody made, none newer than the channel's, none that went back."""
        world = self.laboratory.simulation.world
        for channel, external_id, _, _, version in self.execute(STORED):
            order = world.find_order(channel, external_id)
            assert order, (channel, external_id)
            if version.year > 1:
                assert self.versions.get((channel, external_id), version) <= version <= order.updated_at
                self.versions[channel, external_id] = version

    def check_stored(self) -> None:
        """Every order once, in its last state."""
        truth = self.read_truth()
        stored = {(row[0], row[1]): (row[2], row[3]) for row in self.execute(STORED)}
        wrong = [
            (key, truth.get(key), stored.get(key))
            for key in sorted(truth.keys() | stored.keys())
            if not is_same(truth.get(key), stored.get(key))
        ]
        assert not wrong
        assert self.execute("SELECT id FROM inbox WHERE state <> 'done'") == []
        twice = "SELECT order_id FROM order_events WHERE type = 'order_created' GROUP BY order_id HAVING count(*) <> 1"
        assert self.execute(twice) == []
        assert self.execute("SELECT count(*) FROM order_events WHERE type = 'order_created'") == [(len(truth),)]

    def check_pushed(self) -> None:
        """Nothing waits; nothing was applied twice; what counts as delivered shows at the channel."""
        pushes = self.laboratory.ask_oracle()["pushes"]
        assert [one for one in pushes if one["applied"] > 1] == []
        applied = {one["idempotency_key"] for one in pushes if one["channel"] == "standard"}
        world = self.laboratory.simulation.world
        rows = self.execute(
            "SELECT outbox.id, outbox.channel, external_id, payload ->> 'status', outbox.state, outbox.error"
            " FROM outbox JOIN orders ON orders.id = order_id"
        )
        for message_id, channel, external_id, word, state, error in rows:
            order = world.find_order(channel, external_id)
            assert order
            assert state != "pending"
            if channel == "standard":
                assert (state, f"palmonas-{message_id}" in applied) == ("done", True), error
            elif state == "failed":
                assert error  # the channel does not allow it, and says why
            elif word == "cancelled":
                assert order.status == "cancelled"
            else:
                assert order.status not in ("pending", "authorized", "paid", "partially_fulfilled"), order.status
