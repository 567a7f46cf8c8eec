"""Five thousand orders, a fifth of their webhooks lost: polls catch up. The small one is in the webhook matrix."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.rig import Rig, open_rig
from tests.simulated import Key

ORDERS = {"shopify": 2000, "woocommerce": 2000, "amazon": 1000}
AT_ONCE = 250
DEADLINE_S = 300.0


@pytest.mark.drill
def test_five_thousand_orders_of_which_a_fifth_of_the_webhooks_is_lost(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    # polls leave to webhooks what they will bring, as they do in earnest
    with open_rig(database_url, redis_url, tmp_path, poll_overlap_s="60", poll_settle_s="120") as rig:
        lost = rig.simulator.misbehave("*", "never_sends", operation="webhook", rate=0.2)
        started = time.monotonic()
        orders: list[Key] = []
        for channel, number in ORDERS.items():
            for _ in range(number // AT_ONCE):
                made = rig.simulator.make_orders(channel, AT_ONCE, steps=2)
                rig.simulator.advance(made[::2])
                orders += made
        made_s = time.monotonic() - started
        assert len(orders) == 5000
        rig.simulator.wait_for_faults([lost], 1000, 60.0)
        rig.expect_truth(orders, DEADLINE_S)
        print(f"made in {made_s:.0f} s, all right after {time.monotonic() - started:.0f} s")
        rig.expect_drained()
        assert rig.count("SELECT count(*) FROM orders") == 5000
        assert rig.count("SELECT count(*) FROM order_events WHERE type = 'order_created'") == 5000
        report_caught(rig)


def report_caught(rig: Rig) -> None:
    """Print what polls brought; it must be something of each channel."""
    page = next(one for one in rig.service.processes if one.name == "worker-ingest").get("/metrics")[1].decode()
    caught = re.findall(r'palmonas_reconciliation_caught_total\{channel="(\w+)",result="(\w+)"\} ([0-9.]+)', page)
    print(caught, rig.simulator.tell("GET", "/control/webhooks")["channels"])
    assert {channel for channel, result, number in caught if result == "created" and float(number)} == set(ORDERS)
