"""Each channel, each operation, each fault: every order is stored once in its last state, every push applied once.

A test is a kind of fault; its cells are the operations that meet it, all at once, each with its own rule in the
simulator, which must have happened.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from app.store.outbox import list_failed, replay_messages
from stack.servers import PostgresServer, RedisServer
from tests.rig import CHANNELS, DEADLINE_S, POLLED, Rig, open_rig_on_copy
from tests.simulated import Key

TRIES = 6  # one more than the pauses of tests/simulated.py
TIMES = {"hang": 1, "slow_body": 1}  # each costs a whole timeout
HOW: dict[str, dict[str, float]] = {"429": {"seconds": 1}, "hang": {"seconds": 4}, "slow_body": {"seconds": 4}}
ANSWERS = ("401", "403", "429", "500", "hang", "slow_body", "truncated_body", "lost_answer")
LISTS = (
    ("shopify", "list_orders"),
    ("woocommerce", "list_orders"),
    ("amazon", "list_orders"),
    ("amazon", "list_items"),
)
PUSHES = (
    ("shopify", "list_fulfillment_orders"),
    ("shopify", "fulfill"),
    ("shopify", "get_order"),
    ("shopify", "cancel"),
    ("woocommerce", "get_order"),
    ("woocommerce", "update"),
    ("amazon", "get_order"),
    ("amazon", "confirm_shipment"),
    ("standard", "inbound"),
)
# What operators do with one order each, and how many messages the channel must have applied for it.
TOLD: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("shopify", ("processing", "packed", "shipped"), 1),
    ("shopify", ("cancelled",), 1),
    ("woocommerce", ("processing", "packed", "shipped"), 1),
    ("woocommerce", ("cancelled",), 1),
    ("amazon", ("processing", "packed", "shipped"), 1),
    ("standard", ("processing", "packed", "shipped"), 3),
    ("standard", ("cancelled",), 1),
)


@pytest.fixture(scope="module")
def shared_rig(
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    database_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rig]:
    with open_rig_on_copy(
        postgres_server,
        redis_server,
        "fault_matrix",
        tmp_path_factory.mktemp("matrix"),
        outbound_timeout_s="1.5",
        poll_interval_s="0.5",
        poll_overlap_s="2",
        sweep_interval_s="0.2",
    ) as rig:
        yield rig


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    shared_rig.simulator.behave()
    return shared_rig


def break_down(rig: Rig, cells: tuple[tuple[str, str], ...], kind: str, times: int) -> list[int]:
    return [
        rig.simulator.misbehave(channel, kind, operation=operation, count=times, **HOW.get(kind, {}))
        for channel, operation in cells
    ]


def expect_caught_up(rig: Rig, cells: tuple[tuple[str, str], ...], kind: str) -> None:
    """Changes from before and from during the fault come by polls alone."""
    rig.simulator.misbehave("*", "never_sends", operation="webhook")
    orders = [key for channel in POLLED for key in rig.simulator.make_orders(channel, 4, steps=1)]
    rules = break_down(rig, cells, kind, TIMES.get(kind, 2))
    if ("amazon", "token") in cells:
        rig.simulator.tell("POST", "/control/tokens/expire")
    orders += [key for channel in POLLED for key in rig.simulator.make_orders(channel, 3, steps=1)]
    rig.simulator.advance(orders)
    rig.simulator.wait_for_faults(rules, TIMES.get(kind, 2), 60.0)
    rig.simulator.advance(orders[::2])
    rig.expect_truth(orders)


@pytest.mark.parametrize("kind", [*ANSWERS, "repeated_cursor", "duplicate", "reorder"])
def test_lists(rig: Rig, kind: str) -> None:
    expect_caught_up(rig, LISTS, kind)


@pytest.mark.parametrize("kind", ANSWERS)
def test_amazons_login(rig: Rig, kind: str) -> None:
    expect_caught_up(rig, (("amazon", "token"),), kind)


@pytest.mark.parametrize("kind", ANSWERS)
def test_pushes(rig: Rig, kind: str) -> None:
    counts = Counter(channel for channel, _, _ in TOLD)
    paid = {channel: iter(rig.find_paid(channel, counts[channel])) for channel in CHANNELS}
    rules = break_down(rig, PUSHES, kind, 1)
    told: list[tuple[Key, int]] = []
    for channel, statuses, messages in TOLD:
        order = next(paid[channel])
        rig.change_status(order, *statuses)
        told.append((order, messages))
    rig.expect_pushed()
    rig.simulator.wait_for_faults(rules, 1, 10.0)
    expect_applied_once(rig, told)
    rig.expect_truth([order for order, _ in told])


def test_what_was_given_up_is_seen_and_can_be_sent_again(rig: Rig) -> None:
    """The right to write orders is taken away: all tries are made, then an operator sends it again."""
    (order,) = rig.find_paid("woocommerce", 1)
    rule = rig.simulator.misbehave("woocommerce", "403", operation="update")
    rig.change_status(order, "processing", "packed", "shipped")
    deadline = time.monotonic() + DEADLINE_S
    while not (failed := list_failed(rig.pool, 10)):
        assert time.monotonic() < deadline, "the message was not given up"
        time.sleep(0.2)
    rig.simulator.wait_for_faults([rule], TRIES, 1.0)
    assert [(one["channel"], one["attempts"]) for one in failed] == [("woocommerce", TRIES)]
    assert failed[0]["error"] == "woocommerce push: the channel answered with status 403"
    rig.simulator.behave()
    assert replay_messages(rig.pool, [failed[0]["id"]]) == [failed[0]["id"]]
    rig.expect_pushed()
    expect_applied_once(rig, [(order, 1)])
    rig.expect_truth([order])


def expect_applied_once(rig: Rig, told: list[tuple[Key, int]]) -> None:
    pushes = rig.simulator.read_pushes()
    for order, messages in told:
        own: list[dict[str, Any]] = [one for one in pushes if (one["channel"], one["order_external_id"]) == order]
        assert [one["applied"] for one in own] == [1] * messages, own
