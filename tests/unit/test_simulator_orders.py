"""The world: the same for the same seed, versions that only grow, lives that end, payloads our channels can read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from app.channels import CHANNELS, WEBHOOKS
from simulator.catalogue import CHANNEL_NAMES, LIVES, RESOLUTION, ChannelName
from simulator.orders import Refused
from tests.simulation import START, Laboratory

ORDERS = 60  # enough that each life of every channel is met; test_every_life_is_lived checks that


def describe(laboratory: Laboratory) -> list[tuple[str, str, str, Decimal]]:
    return [(o.channel, o.external_id, o.status, o.total) for o in laboratory.simulation.world.iterate_orders()]


def test_a_seed_always_gives_the_same_orders() -> None:
    one, same, other = Laboratory(seed=1), Laboratory(seed=1), Laboratory(seed=2)
    for name in CHANNEL_NAMES:
        one.make(name, 5)
        other.make(name, 5)
    for name in reversed(CHANNEL_NAMES):  # the channels' dice are their own
        same.make(name, 5)
    assert sorted(describe(one)) == sorted(describe(same))
    assert not {entry[1] for entry in describe(one)} & {entry[1] for entry in describe(other)}


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
def test_every_life_is_lived(channel: ChannelName) -> None:
    laboratory = Laboratory()
    ends = set()
    for order in laboratory.make(channel, ORDERS):
        laboratory.finish(order)
        ends.add(order.status)
        assert not order.plan
        assert not laboratory.simulation.world.advance_order(order)
    assert ends == {life[-1] for life in LIVES[channel]}


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
def test_versions_grow_with_every_change_even_while_the_clock_stands_or_runs_back(channel: ChannelName) -> None:
    laboratory = Laboratory()
    for order in laboratory.make(channel, ORDERS, seconds=0):
        seen = [order.updated_at]
        while laboratory.simulation.world.advance_order(order):
            laboratory.now -= timedelta(seconds=5)
            seen.append(order.updated_at)
        steps = {later - earlier for earlier, later in pairwise(seen)}
        assert steps <= {RESOLUTION[channel]}
        assert order.changes == len(seen)


@pytest.mark.parametrize("channel", sorted(WEBHOOKS))
def test_every_webhook_is_parsed_into_what_the_oracle_says(channel: ChannelName) -> None:
    laboratory = Laboratory()
    checked = set()
    for _ in range(ORDERS):
        order = laboratory.make(channel, 1)[0]
        lives = True
        while lives:
            truth = next(one for one in laboratory.ask_oracle()["orders"] if one["external_id"] == order.external_id)
            for _, topic, body in laboratory.sent:
                parsed = CHANNELS[channel].parse(topic, body.decode())
                parts = (*parsed.refunds, *parsed.fulfillments)
                assert {part.order_external_id for part in parts} <= {order.external_id}
                if parsed.order is None:  # a shipment or a refund on its own
                    assert parts
                    continue
                assert parsed.order.external_id == order.external_id
                assert parsed.order.channel_status == truth["channel_status"]
                assert parsed.order.version.isoformat() == truth["version"]
                assert parsed.order.total == Decimal(truth["total"])
                assert parsed.order.currency == truth["currency"]
                assert len(parsed.refunds) == truth["refunds"]
                assert sum(item.quantity for item in parsed.order.items) == sum(line.quantity for line in order.lines)
                checked.add(truth["channel_status"])
            assert laboratory.sent
            laboratory.sent.clear()
            lives = laboratory.simulation.world.advance_order(order)
    assert checked == {status for life in LIVES[channel] for status in life}


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
def test_money_adds_up(channel: ChannelName) -> None:
    laboratory = Laboratory()
    for order in laboratory.make(channel, ORDERS):
        laboratory.finish(order)
        assert order.total == order.subtotal + order.shipping + order.tax
        assert order.money_back == (order.total if order.status == "refunded" else 0)


def test_what_is_left_is_all_that_ships() -> None:
    laboratory = Laboratory()
    world = laboratory.simulation.world
    order = next(order for order in laboratory.make("shopify", ORDERS) if order.lines[0].quantity == 2)
    first = order.lines[0].id
    with pytest.raises(Refused, match="not so much left"):
        world.ship_order(order, {first: 3})
    world.ship_order(order, {first: 1})
    assert order.status == "partially_fulfilled"
    with pytest.raises(Refused, match="has shipments"):
        world.cancel_order(order)
    world.ship_order(order, order.list_unshipped())
    assert order.status == "fulfilled"
    with pytest.raises(Refused, match="not so much left"):
        world.ship_order(order, order.list_unshipped())


def test_a_wrong_clock_shifts_new_versions() -> None:
    laboratory = Laboratory()
    laboratory.simulation.misbehaviour.add("shopify", "clock_off", seconds=-600)
    assert laboratory.make("shopify", 1)[0].updated_at == START - timedelta(minutes=10)
    assert laboratory.make("woocommerce", 1, seconds=0)[0].updated_at == START + timedelta(seconds=1)
