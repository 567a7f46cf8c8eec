"""The canonical order: its ranks and its version, which decide which delivery wins."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime
from typing import get_args

import pytest

from app.channels import CHANNELS, sample
from app.model import LIFECYCLE_RANK, NEVER_SEEN, ChannelStatus, Order, ParsedDelivery, version_of


@pytest.fixture
def order() -> Order:
    found = CHANNELS["standard"].parse("order.created", sample("standard").decode()).order
    assert found is not None
    return found


def test_every_status_has_a_rank_of_its_own() -> None:
    assert set(LIFECYCLE_RANK) == set(get_args(ChannelStatus))
    assert len(set(LIFECYCLE_RANK.values())) == len(LIFECYCLE_RANK)


def test_life_goes_from_unknown_to_cancelled() -> None:
    in_order = sorted(LIFECYCLE_RANK, key=lambda status: LIFECYCLE_RANK[status])
    assert in_order == [
        "unknown",
        "pending",
        "failed",
        "authorized",
        "paid",
        "partially_fulfilled",
        "fulfilled",
        "partially_refunded",
        "refunded",
        "cancelled",
    ]


def test_never_seen_is_older_than_any_order(order: Order) -> None:
    assert NEVER_SEEN.tzinfo is UTC
    assert datetime(1970, 1, 1, tzinfo=UTC) > NEVER_SEEN
    assert order.version > NEVER_SEEN


def test_newer_wins_then_further_in_life_then_delivery_id(order: Order) -> None:
    later = dataclasses.replace(order, version=datetime(2027, 1, 1, tzinfo=UTC), channel_status="pending")
    cancelled = dataclasses.replace(order, channel_status="cancelled")
    expected = [
        version_of(order, "a"),
        version_of(order, "b"),
        version_of(cancelled, "a"),
        version_of(later, "a"),
    ]
    for shuffled in itertools.permutations(expected):
        assert sorted(shuffled) == expected


def test_orders_cannot_be_changed(order: Order) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.number = "2"  # type: ignore[misc]  # the test is that this fails
    with pytest.raises((AttributeError, TypeError)):
        order.colour = "green"  # type: ignore[attr-defined]  # the test is that this fails


def test_delivery_that_says_nothing_is_empty() -> None:
    assert ParsedDelivery() == ParsedDelivery(order=None, refunds=(), fulfillments=())
