"""The clients against the simulator, well-behaved and not: every order is listed, every push arrives once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from app import telemetry
from app.channels import CHANNELS
from app.channels.amazon.client import AmazonClient
from app.channels.base import Client, PushMessage
from app.channels.clients import make_clients
from app.config import PREFIX, Config
from app.errors import CallFailed, PushRefused
from simulator.catalogue import ChannelName, Order
from simulator.simulation import Simulation
from tests.simulation import START, Laboratory, serve

PARSERS = CHANNELS
LISTED: tuple[ChannelName, ...] = ("shopify", "woocommerce", "amazon")
PUSHED: tuple[ChannelName, ...] = (*LISTED, "standard")
OPERATIONS = {"shopify": "fulfill", "woocommerce": "update", "amazon": "confirm_shipment", "standard": "inbound"}
TIMEOUT_S = 0.5


@dataclass
class Bench:
    laboratory: Laboratory
    clients: dict[str, Client]
    settings: dict[str, str]

    @property
    def simulation(self) -> Simulation:
        return self.laboratory.simulation

    def misbehave(self, channel: str, operation: str, kind: str, *, count: int, seconds: float | None = None) -> None:
        more = {} if seconds is None else {"seconds": seconds}
        self.laboratory.control("misbehave", channel=channel, operation=operation, kind=kind, count=count, **more)


@pytest.fixture
def bench() -> Iterator[Bench]:
    laboratory = Laboratory()
    laboratory.simulation.set_speed(10_000)
    with serve(laboratory, TIMEOUT_S) as settings:
        config = Config({PREFIX + name: value for name, value in settings.items()})
        yield Bench(laboratory, make_clients(config), settings)


def list_all(bench: Bench, name: ChannelName) -> dict[str, str]:
    """External id and payload of every order, by a poller that begins a run anew when it fails."""
    for _ in range(10):
        found: dict[str, str] = {}
        cursor: str | None = None
        try:
            while True:
                page = bench.clients[name].list_orders(START - timedelta(hours=1), bench.laboratory.now, cursor)
                found |= {order.external_id: order.payload for order in page.orders}
                cursor = page.next_cursor
                if cursor is None:
                    return found
        except CallFailed as error:
            time.sleep(min(error.retry_after_s or 0, 0.1))
    raise AssertionError("ten runs failed")


def check_listed(bench: Bench, name: ChannelName, orders: list[Order]) -> None:
    found = list_all(bench, name)
    topic = {"shopify": "orders/updated", "woocommerce": "order.updated", "amazon": "order.polled"}[name]
    assert set(found) == {order.external_id for order in orders}
    for order in orders:
        parsed = PARSERS[name].parse(topic, found[order.external_id]).order
        assert parsed
        assert (parsed.channel_status, parsed.version) == (order.status, order.updated_at)
        assert len(parsed.items) == len(order.lines)
        if name != "amazon" or order.paid_at:
            assert parsed.total == order.total


@pytest.mark.parametrize("name", LISTED)
def test_every_order_is_listed(bench: Bench, name: ChannelName) -> None:
    """More than a page of each, many in one second, in every state of their lives."""
    orders = bench.laboratory.make(name, 60, seconds=1)
    orders += bench.laboratory.make(name, 130, seconds=0) if name != "amazon" else []
    for order in orders[::3]:
        bench.laboratory.finish(order)
    bench.laboratory.now += timedelta(seconds=1)
    check_listed(bench, name, orders)


FAULTS = {
    "429": (2, 0.05),
    "500": (3, None),
    "401": (1, None),
    "hang": (1, 2.0),
    "slow_body": (1, 2.0),
    "lost_answer": (2, None),
    "truncated_body": (2, None),
    "repeated_cursor": (2, None),
    "duplicate": (2, None),
    "reorder": (2, None),
}


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("kind", FAULTS)
def test_every_order_is_listed_whatever_goes_wrong(bench: Bench, name: ChannelName, kind: str) -> None:
    orders = bench.laboratory.make(name, 40 if name == "amazon" else 210)
    count, seconds = FAULTS[kind]
    bench.misbehave(name, "list_orders", kind, count=count, seconds=seconds)
    check_listed(bench, name, orders)


@pytest.mark.parametrize("kind", ["429", "500", "403", "slow_body", "truncated_body", "repeated_cursor", "reorder"])
def test_amazons_items_come_whatever_goes_wrong(bench: Bench, kind: str) -> None:
    orders = bench.laboratory.make("amazon", 8)
    bench.misbehave("amazon", "list_items", kind, count=2, seconds=1.5 if kind == "slow_body" else None)
    check_listed(bench, "amazon", orders)


def test_a_token_that_expires_in_the_middle_is_renewed(bench: Bench) -> None:
    orders = bench.laboratory.make("amazon", 8)
    client = bench.clients["amazon"]
    assert isinstance(client, AmazonClient)
    check_listed(bench, "amazon", orders)
    bench.laboratory.control("tokens/expire")
    check_listed(bench, "amazon", orders)


def push_until_told(client: Client, message: PushMessage) -> None:
    for _ in range(10):
        try:
            client.push(message)
            return
        except CallFailed as error:
            time.sleep(min(error.retry_after_s or 0, 0.1))
    raise AssertionError("the push never arrived")


@pytest.mark.parametrize("name", PUSHED)
@pytest.mark.parametrize("kind", ["none", "429", "500", "lost_answer", "hang", "truncated_body"])
def test_a_push_arrives_once_whatever_goes_wrong(bench: Bench, name: ChannelName, kind: str) -> None:
    orders = [order for order in bench.laboratory.make(name, 12) if order.status in ("paid", "authorized")]
    assert orders
    bench.laboratory.now += timedelta(minutes=5)
    if name == "standard":
        bench.laboratory.now = datetime.now(UTC)  # it checks the age of a signature
    if kind != "none":
        seconds = {"429": 0.05, "hang": TIMEOUT_S * 1.5}.get(kind)
        bench.misbehave(name, OPERATIONS[name], kind, count=2, seconds=seconds)
    for order in orders:
        message = PushMessage("status", order.external_id, "shipped", f"key-{order.external_id}", tracking_number="T1")
        push_until_told(bench.clients[name], message)
        push_until_told(bench.clients[name], message)
    if kind == "hang":
        time.sleep(TIMEOUT_S)  # a request that hung is done after all
    pushes = {push["order_external_id"]: push for push in bench.laboratory.ask_oracle()["pushes"]}
    assert {push["applied"] for push in pushes.values()} == {1}
    assert set(pushes) == {order.external_id for order in orders}
    if name != "standard":
        assert {order.status for order in orders} == {"fulfilled"}


@pytest.mark.parametrize("name", ["shopify", "woocommerce"])
def test_a_cancellation_arrives_once(bench: Bench, name: ChannelName) -> None:
    (order,) = bench.laboratory.make(name, 1)
    bench.misbehave(name, "cancel" if name == "shopify" else "update", "lost_answer", count=1)
    message = PushMessage("status", order.external_id, "cancelled", "k")
    push_until_told(bench.clients[name], message)
    push_until_told(bench.clients[name], message)
    assert order.status == "cancelled"
    assert [push["applied"] for push in bench.laboratory.ask_oracle()["pushes"]] == [1]
    with pytest.raises(PushRefused):
        bench.clients[name].push(PushMessage("status", order.external_id, "shipped", "k2"))


def list_series() -> set[tuple[str, ...]]:
    return {labels for labels in telemetry.CHANNEL_CALLS._metrics if labels[0] in PUSHED}


def test_every_call_is_counted_under_a_name_that_began_at_zero(bench: Bench) -> None:
    """A counter whose first sample is 1 has no increase to alert on."""
    telemetry.CHANNEL_CALLS.clear()
    config = Config({PREFIX + name: value for name, value in bench.settings.items()})
    bench.clients = make_clients(config)
    seeded = list_series()
    bench.laboratory.now = datetime.now(UTC)
    for name in PUSHED:
        orders = bench.laboratory.make(name, 3)
        if name != "standard":
            list_all(bench, name)
        for order in orders:
            with suppress(CallFailed, PushRefused):
                bench.clients[name].push(
                    PushMessage("status", order.external_id, "shipped", f"key-{order.external_id}")
                )
    assert list_series() == seeded
    called = {labels[:2] for labels in seeded if telemetry.CHANNEL_CALLS.labels(*labels)._value.get()}
    assert called == {labels[:2] for labels in seeded}
