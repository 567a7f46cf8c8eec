"""The deliveries that the load sends: real to the channels' own code, of every kind, and the same for one seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from requests.structures import CaseInsensitiveDict

from app.channels import CHANNELS, WEBHOOKS
from app.errors import BadSignature
from app.model import Order, ParsedDelivery, Version, version_of
from load.shops import FIRST_OFFSET, LIVE_ORDERS, Delivery, Shop
from simulator.application import EVENTS
from simulator.secrets import make_secret

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBER = 600
MAX_BODY_BYTES = 1 << 20  # the default of the service


def make_clock() -> Callable[[str], datetime]:
    """A clock that is a second later each time it is read."""
    now = START

    def read(_channel: str) -> datetime:
        nonlocal now
        now += timedelta(seconds=1)
        return now

    return read


def take(channel: str, seed: int, number: int = NUMBER) -> list[Delivery]:
    shop = Shop(channel, seed, make_clock())
    return [shop.take() for _ in range(number)]


@cache
def take_parsed(channel: str) -> list[tuple[Delivery, ParsedDelivery]]:
    return [(one, CHANNELS[channel].parse(one.topic, one.body.decode())) for one in take(channel, 7)]


def list_orders(channel: str) -> list[Order]:
    return [parsed.order for _, parsed in take_parsed(channel) if parsed.order]


@pytest.mark.parametrize("channel", WEBHOOKS)
def test_every_delivery_is_verified_by_its_channel(channel: str) -> None:
    secret = make_secret(f"{channel}_secrets")
    now = START.timestamp()
    for one, _ in take_parsed(channel):
        headers = CaseInsensitiveDict(WEBHOOKS[channel].sign(one.body, secret, one.topic, one.delivery_id, now))
        assert WEBHOOKS[channel].verify(headers, one.body, [secret], now).topic == one.topic
        assert len(one.body) < MAX_BODY_BYTES
        with pytest.raises(BadSignature):  # as the load forges them
            WEBHOOKS[channel].verify(headers, one.body + b" ", [secret], now)


@pytest.mark.parametrize("channel", WEBHOOKS)
def test_every_delivery_is_read_by_its_channel(channel: str) -> None:
    for one, parsed in take_parsed(channel):
        assert parsed.order or parsed.refunds or parsed.fulfillments, f"{one.topic} says nothing"
        assert parsed.privacy is None


@pytest.mark.parametrize("channel", EVENTS)
def test_orders_are_of_many_kinds(channel: str) -> None:
    orders = list_orders(channel)
    sizes = Counter(len(order.items) for order in orders)
    assert {1, 2, 3, 4} <= sizes.keys()
    assert max(sizes) >= 20
    assert {"pending", "paid", "fulfilled", "cancelled", "refunded"} <= {order.channel_status for order in orders}
    names = "".join(f"{order.customer.name if order.customer else ''}" for order in orders)
    assert {"ü", "И", "李", "ن", "Þ"} <= set(names)
    assert any(not item.name.isascii() for order in orders for item in order.items)
    assert max(len(item.name) for order in orders for item in order.items) > 200
    parsed = [one for _, one in take_parsed(channel)]
    assert any(one.refunds for one in parsed)
    assert any(one.fulfillments for one in parsed) or channel == "woocommerce"  # which knows no shipments


@pytest.mark.parametrize("channel", EVENTS)
def test_versions_of_one_order_rise(channel: str) -> None:
    last: dict[str, Version] = {}
    newer = 0
    for one, parsed in take_parsed(channel):
        if one.is_repeat or parsed.order is None:
            continue
        version = version_of(parsed.order, one.delivery_id)
        if parsed.order.external_id in last:
            newer += 1
            assert version > last[parsed.order.external_id]
        last[parsed.order.external_id] = version
    assert newer > NUMBER / 10


@pytest.mark.parametrize("channel", WEBHOOKS)
def test_a_repeat_is_the_same_delivery_and_nothing_else_is(channel: str) -> None:
    known: dict[str, Delivery] = {}
    repeats = 0
    for one, _ in take_parsed(channel):
        if one.is_repeat:
            repeats += 1
            first = known[one.delivery_id]
            assert (one.channel, one.topic, one.body) == (first.channel, first.topic, first.body)
        else:
            assert one.delivery_id not in known
            known[one.delivery_id] = one
    assert 0.05 < repeats / NUMBER < 0.2


@pytest.mark.parametrize("channel", WEBHOOKS)
def test_a_seed_makes_the_same_deliveries_and_another_one_others(channel: str) -> None:
    assert take(channel, 3, 100) == take(channel, 3, 100)
    first, other = (list(take(channel, seed, 100)) for seed in (3, 4))
    assert not {one.delivery_id for one in first} & {one.delivery_id for one in other}
    assert not {one.body for one in first} & {one.body for one in other}


@pytest.mark.parametrize("channel", EVENTS)
def test_its_orders_are_not_those_of_a_simulator(channel: str) -> None:
    # "standard" numbers its orders S-<offset>-<serial>, the others (1,000,000 + offset) * 1,000,000 + serial
    for order in list_orders(channel):
        digits = order.external_id.split("-")
        offset = int(digits[1]) if len(digits) > 1 else int(order.external_id) // 1_000_000 - 1_000_000
        assert offset >= FIRST_OFFSET


def test_a_long_run_keeps_a_bounded_number_of_orders() -> None:
    shop = Shop("shopify", 1, make_clock())
    for _ in range(LIVE_ORDERS * 8):
        shop.take()
    assert len(shop._live) <= LIVE_ORDERS


def test_a_channel_that_the_simulator_cannot_write_sends_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(EVENTS, "woocommerce")
    deliveries = [one for one in take("woocommerce", 5, 50) if not one.is_repeat]
    parsed = [CHANNELS["woocommerce"].parse(one.topic, one.body.decode()).order for one in deliveries]
    assert len({order.external_id for order in parsed if order}) == len(deliveries)
