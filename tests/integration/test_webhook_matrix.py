"""Webhooks that come twice, late, in no order or never, and clocks ten minutes off: orders are stored once and right.

Then what polls and the two sides together must bring: lost webhooks caught, a poller killed in the middle of a page.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis
from rq import Worker

from stack.servers import PostgresServer, RedisServer
from tests.rig import CHANNELS, POLLED, Rig, open_rig_on_copy
from tests.service import Process
from tests.simulated import Key

WEBHOOKS = ("shopify", "woocommerce", "standard")
HOW: dict[str, dict[str, float]] = {"duplicate": {}, "reorder": {"seconds": 2}, "never_sends": {"rate": 0.5}}
CLOCK_OFF_S = 600


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
        "webhook_matrix",
        tmp_path_factory.mktemp("matrix"),
        poll_interval_s="0.5",
        poll_overlap_s="700",  # a clock that is set back hides changes from polls for as long
        sweep_interval_s="0.2",
    ) as rig:
        yield rig


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    shared_rig.simulator.behave()
    return shared_rig


def make_and_live(rig: Rig, channels: tuple[str, ...], number: int) -> list[Key]:
    orders = [key for channel in channels for key in rig.simulator.make_orders(channel, number)]
    for _ in range(3):
        rig.simulator.advance(orders)
    return orders


@pytest.mark.parametrize("kind", HOW)
def test_webhooks(rig: Rig, kind: str) -> None:
    rules = [rig.simulator.misbehave(channel, kind, operation="webhook", **HOW[kind]) for channel in WEBHOOKS]
    orders = make_and_live(rig, WEBHOOKS, 8)
    rig.simulator.wait_for_faults(rules, 4, 10.0)
    rig.simulator.behave()
    if kind == "never_sends":  # who has no list to poll must send again
        rig.simulator.tell("POST", "/control/webhooks/resend", channel="standard")
    rig.expect_truth(orders)


@pytest.mark.parametrize("seconds", [-CLOCK_OFF_S, CLOCK_OFF_S])
def test_clocks(rig: Rig, seconds: int) -> None:
    """The clocks are set wrong while the service runs, orders are made and live on, and are set right again."""
    for channel in CHANNELS:
        rig.simulator.misbehave(channel, "clock_off", seconds=seconds)
    orders = make_and_live(rig, CHANNELS, 4)
    versions = {(one["channel"], one["external_id"]): one["version"] for one in rig.simulator.read_orders()}
    for key in orders:
        error_s = (datetime.fromisoformat(versions[key]) - datetime.now(UTC)).total_seconds()
        assert abs(error_s - seconds) < 60, "the clock was not off"
    # the signatures of the standard channel are too old or too new until its clock is right
    rig.expect_truth([key for key in orders if key[0] != "standard"])
    rig.simulator.behave()
    orders += make_and_live(rig, CHANNELS, 2)
    rig.simulator.advance(orders)
    rig.simulator.tell("POST", "/control/webhooks/resend", channel="standard")
    rig.expect_truth(orders)


def test_polls_catch_what_webhooks_do_not_bring(rig: Rig) -> None:
    """More than one page of each, a fifth of the webhooks lost, and none of Amazon's, which has none."""
    lost = rig.simulator.misbehave("*", "never_sends", operation="webhook", rate=0.2)
    orders = [key for channel in POLLED for key in rig.simulator.make_orders(channel, 110, steps=2)]
    rig.simulator.advance(orders)
    rig.simulator.wait_for_faults([lost], 40, 10.0)
    rig.expect_truth(orders)
    rig.expect_drained()
    caught = "SELECT count(DISTINCT order_id) FROM inbox WHERE channel = 'amazon' AND origin = 'poll'"
    assert rig.count(caught) >= 110


def test_a_poller_killed_in_mid_page_is_followed_by_the_other(rig: Rig, redis_server: RedisServer) -> None:
    rig.simulator.misbehave("*", "never_sends", operation="webhook")
    slow = rig.simulator.misbehave("shopify", "slow_body", operation="list_orders", seconds=2)
    orders = rig.simulator.make_orders("shopify", 250, steps=2)
    before = count_polled(rig, orders)
    victim = wait_for_poller_in_mid_page(rig, redis_server, orders)
    victim.kill9()
    stored, killed_at = count_polled(rig, orders), time.monotonic()
    assert before < stored < len(orders), "the kill was not in the middle"
    rig.simulator.wait_for_faults([slow], 2, 1.0)
    rig.simulator.behave()
    rig.expect_truth(orders, 30.0)
    assert time.monotonic() - killed_at < 30.0
    victim.start().wait_ready()


def count_polled(rig: Rig, orders: list[Key]) -> int:
    """How many of `orders` polls have put into the inbox."""
    return rig.count(
        "SELECT count(DISTINCT split_part(delivery_id, ':', 2)) FROM inbox"
        " WHERE origin = 'poll' AND split_part(delivery_id, ':', 2) = ANY(%s)",
        [external_id for _, external_id in orders],
    )


def wait_for_poller_in_mid_page(rig: Rig, redis_server: RedisServer, orders: list[Key]) -> Process:
    """The process that polls Shopify now, once a page of its run is stored and another is on its way."""
    client = redis.Redis.from_url(redis_server.url)
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        with rig.pool.autocommit("test") as cursor:
            cursor.execute("SELECT lease_holder FROM poll_state WHERE channel = 'shopify'")
            (holder,) = cursor.fetchone()
        if holder and 0 < count_polled(rig, orders) < len(orders):
            pids = {worker.pid for worker in Worker.all(client) if worker.get_current_job_id() == holder}
            found = [process for process in rig.service.processes if process.pid in pids]
            if found:
                return found[0]
        time.sleep(0.02)
    raise AssertionError("no poller was in the middle of its pages")
