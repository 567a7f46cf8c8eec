"""What webhooks do not bring, polls catch; what operators change, channels are told, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.store.pool import Pool
from app.store.tokens import create_token
from stack.processes import find_free_port
from tests.integration.conftest import StartService
from tests.service import Service
from tests.simulated import Simulator, wait_for_truth

POLLED = ("shopify", "woocommerce", "amazon")
DEADLINE_S = 60.0


@pytest.fixture
def door() -> int:
    return find_free_port()


@pytest.fixture
def simulator(tmp_path: Path, door: int) -> Iterator[Simulator]:
    made = Simulator(tmp_path, f"http://127.0.0.1:{door}")
    yield made
    made.stop()


@pytest.fixture
def service(start_service: StartService, simulator: Simulator, door: int, database_url: str, redis_url: str) -> Service:
    service = start_service(
        database_url,
        redis_url,
        shopify_secrets="",
        woocommerce_secrets="",
        standard_secrets="",
        **simulator.make_settings(),
    )
    service.add_api(port=str(door))
    return service


def start_workers(service: Service) -> Service:
    for queue in ("ingest", "poll", "push"):
        service.add_worker(queue)
    service.add("dispatcher", "dispatcher")
    return service.wait_ready()


def count(pool: Pool, sql: str) -> int:
    with pool.autocommit("test") as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def test_polls_catch_what_webhooks_do_not_bring(service: Service, simulator: Simulator, pool: Pool) -> None:
    start_workers(service)
    simulator.misbehave("*", "never_sends", operation="webhook", rate=0.2)
    for channel in POLLED:
        simulator.tell("POST", "/control/orders", channel=channel, count=60, steps=2)
    simulator.tell("POST", "/control/orders/advance", channel="*", steps=2)
    wait_for_truth(pool, simulator, POLLED, DEADLINE_S)
    assert count(pool, "SELECT count(*) FROM orders") == 180
    assert count(pool, "SELECT count(*) FROM order_events WHERE type = 'order_created'") == 180
    assert count(pool, "SELECT count(*) FROM inbox WHERE state <> 'done'") == 0
    caught = service.processes[1].get("/metrics")[1].decode()
    assert 'palmonas_reconciliation_caught_total{channel="amazon",result="created"} 60.0' in caught


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("429", {"count": 3, "seconds": 1}),
        ("500", {"count": 4}),
        ("hang", {"count": 2, "seconds": 10}),
        ("slow_body", {"count": 2, "seconds": 10}),
        ("truncated_body", {"count": 3}),
        ("repeated_cursor", {"count": 2}),
        ("duplicate", {"rate": 0.5}),
        ("reorder", {"rate": 0.5}),
    ],
)
def test_a_channel_that_misbehaves_is_caught_up_with(
    service: Service, simulator: Simulator, pool: Pool, kind: str, how: dict[str, float]
) -> None:
    simulator.misbehave("*", "never_sends", operation="webhook")
    for channel in POLLED:
        simulator.tell("POST", "/control/orders", channel=channel, count=30, steps=2)
        simulator.misbehave(channel, kind, operation="list_orders", **how)
    start_workers(service)
    wait_for_truth(pool, simulator, POLLED, DEADLINE_S * 2)
    assert count(pool, "SELECT count(*) FROM order_events WHERE type = 'order_created'") == 90


def test_a_clock_that_is_off_by_ten_minutes_loses_nothing(service: Service, simulator: Simulator, pool: Pool) -> None:
    for channel, seconds in (("shopify", -600), ("woocommerce", 600)):
        simulator.misbehave(channel, "clock_off", seconds=seconds)
        simulator.tell("POST", "/control/orders", channel=channel, count=20, steps=2)
    start_workers(service)
    wait_for_truth(pool, simulator, ("shopify", "woocommerce"), DEADLINE_S)


@pytest.mark.drill  # a killed poller frees its channel when its lease ends, after two minutes
def test_two_pollers_and_one_that_is_killed_in_mid_page(service: Service, simulator: Simulator, pool: Pool) -> None:
    simulator.misbehave("*", "never_sends", operation="webhook")
    for channel in POLLED:
        simulator.tell("POST", "/control/orders", channel=channel, count=300, steps=2)
    start_workers(service)
    second = service.add_worker("poll", name="worker-poll-2").wait_ready()
    victim = next(process for process in service.processes if process.name == "worker-poll")
    deadline = time.monotonic() + DEADLINE_S
    while count(pool, "SELECT count(*) FROM inbox WHERE origin = 'poll'") == 0:
        assert time.monotonic() < deadline, "no poll began"
        time.sleep(0.01)
    victim.kill9()
    victim.start()
    wait_for_truth(pool, simulator, POLLED, 240.0)
    assert count(pool, "SELECT count(*) FROM order_events WHERE type = 'order_created'") == 900
    assert second.get("/readyz")[0] == 200


def change_status(service: Service, token: str, order_id: int, status: str) -> None:
    base = f"http://127.0.0.1:{service.processes[0].port}/orders/{order_id}"
    headers = {"Authorization": f"Bearer {token}"}
    etag = requests.get(base, headers=headers, timeout=10).headers["ETag"]
    answer = requests.patch(f"{base}/status", json={"status": status}, headers=headers | {"If-Match": etag}, timeout=10)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("kind", ["none", "500", "hang", pytest.param("lost_answer", marks=pytest.mark.drill)])
def test_what_operators_change_channels_are_told_once(
    service: Service, simulator: Simulator, pool: Pool, kind: str
) -> None:
    start_workers(service)
    channels = ("shopify", "woocommerce", "amazon", "standard")
    for channel in channels:
        simulator.tell("POST", "/control/orders", channel=channel, count=8, steps=0)
    simulator.tell("POST", "/control/orders/advance", channel="*", steps=1)
    wait_for_truth(pool, simulator, channels, DEADLINE_S)
    if kind != "none":
        simulator.misbehave("*", kind, operation="*", count=2)
    token = create_token(pool, "test", "operator")
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT min(id) FROM orders WHERE channel_status = 'paid' GROUP BY channel")
        ids = [int(row[0]) for row in cursor.fetchall()]
    assert len(ids) == len(channels)
    for order_id in ids:
        for status in ("processing", "packed", "shipped"):
            change_status(service, token, order_id, status)
    deadline = time.monotonic() + DEADLINE_S * 2
    while count(pool, "SELECT count(*) FROM outbox WHERE state = 'pending'"):
        assert time.monotonic() < deadline, "not every push was delivered"
        time.sleep(0.2)
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT channel, payload, error FROM outbox WHERE state = 'failed'")
        assert cursor.fetchall() == []
    applied = [push for push in simulator.read_pushes() if push["applied"]]
    assert {push["channel"] for push in applied} == set(channels)
    assert all(push["applied"] == 1 for push in applied), applied
