"""Privacy webhooks through the real door, with real workers: recorded, erased, found nowhere, over kill -9."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.channels import WEBHOOKS
from app.store.pool import Pool
from stack.processes import find_free_port
from tests.integration.conftest import StartService
from tests.privacy import (
    CANARIES,
    make_data_request,
    make_order,
    make_redact,
    query,
    search_database,
    search_redis,
    store,
)
from tests.service import Service
from tests.simulated import Simulator

DEADLINE_S = 60.0
DONE = "SELECT state FROM privacy_requests WHERE kind LIKE 'redact%' ORDER BY id"


def start(start_service: StartService, database_url: str, redis_url: str, **settings: str) -> Service:
    service = start_service(database_url, redis_url, log_level="DEBUG", **settings)
    service.add_api()
    for queue in ("ingest", "tasks"):
        service.add_worker(queue)
    service.add("dispatcher", "dispatcher")
    return service.wait_ready()


def post(service: Service, topic: str, delivery_id: str, body: object, secret: str = "") -> int:
    raw = json.dumps(body).encode()
    headers = WEBHOOKS["shopify"].sign(raw, secret or service.secrets["shopify"], topic, delivery_id, time.time())
    url = f"http://127.0.0.1:{service.processes[0].port}/webhooks/shopify"
    return requests.post(url, data=raw, headers=dict(headers), timeout=15).status_code


def wait_for(pool: Pool, sql: str, wanted: list[tuple[object, ...]]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while (found := query(pool, sql)) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_customer_is_erased_by_webhook_and_found_nowhere(
    start_service: StartService, database_url: str, redis_url: str, pool: Pool
) -> None:
    service = start(start_service, database_url, redis_url, shopify_api_url="")
    assert post(service, "orders/create", "first", make_order(1)) == 200
    wait_for(pool, "SELECT count(*) FROM orders", [(1,)])
    assert {word for _, _, word in search_database(pool)} == set(CANARIES) - {"canaryrequest"}
    assert post(service, "customers/redact", "unsigned", make_redact(1), secret="not the secret of this shop") == 401
    assert post(service, "customers/redact", "confused", make_data_request(1)) == 200
    assert post(service, "shop/redact", "order", make_order(2, customer=None, email=None)) == 200
    assert post(service, "customers/data_request", "ask", make_data_request(1)) == 200
    wait_for(pool, "SELECT kind, state FROM privacy_requests", [("data_request", "open")])
    wait_for(pool, "SELECT count(*) FROM inbox WHERE state = 'quarantined'", [(2,)])
    assert query(pool, "SELECT count(*) FROM orders WHERE erased_at IS NULL") == [(1,)]
    query(pool, "DELETE FROM inbox WHERE delivery_id = 'order' RETURNING id")  # of nobody that can be told

    assert post(service, "customers/redact", "redact", make_redact(1)) == 200
    wait_for(pool, DONE, [("done",)])
    assert post(service, "orders/updated", "newer", make_order(1, 30)) == 200
    assert post(service, "orders/updated", "older", make_order(1)) == 200
    wait_for(pool, "SELECT count(*) FROM inbox WHERE state = 'pending'", [(0,)])
    query(pool, "UPDATE privacy_requests SET subject = NULL WHERE kind = 'data_request' RETURNING id")  # it is open
    assert search_database(pool) == set()
    assert search_redis(redis_url) == set()
    metrics = service.processes[2].get("/metrics")[1].decode()
    assert 'palmonas_privacy_requests_total{kind="redact_customer",outcome="completed"} 1.0' in metrics
    service.stop()
    for process in service.processes:
        said = process.read_log().lower()
        assert said
        assert not [word for word in CANARIES if word in said]


def test_a_worker_killed_between_two_batches_is_followed(
    start_service: StartService, database_url: str, redis_url: str, pool: Pool
) -> None:
    store(pool, "first", make_order(1))
    columns = "channel, number, channel_status, channel_version, channel_rank, channel_delivery, placed_at, note"
    query(
        pool,
        f"INSERT INTO orders (external_id, {columns}) SELECT 'n' || n, {columns} FROM orders,"
        " generate_series(1, 1999) AS n RETURNING id",
    )
    query(
        pool,
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END $$;"
        "CREATE TRIGGER dawdle BEFORE UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION dawdle(); SELECT 1",
    )
    service = start(start_service, database_url, redis_url)
    assert post(service, "shop/redact", "redact", {"shop_id": 1, "shop_domain": "a.myshopify.com"}) == 200
    wait_for(pool, "SELECT count(*) FROM orders WHERE erased_at IS NOT NULL", [(500,)])
    service.processes[2].kill9()
    [(erased, walked)] = query(pool, "SELECT orders_erased, walked FROM privacy_requests")
    assert 500 <= erased == walked < 2000
    service.processes[2].start().wait_ready()
    query(pool, "UPDATE privacy_requests SET next_run_at = now() RETURNING id")  # the lease of the dead is 90 s
    wait_for(pool, DONE, [("done",)])
    assert query(pool, "SELECT orders_erased FROM privacy_requests") == [(2000,)]
    assert search_database(pool) == set()


@pytest.fixture
def simulator(start_service: StartService, tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Simulator]:
    """A simulator beside a service that it sends its webhooks to, and that polls it."""
    door = find_free_port()
    made = Simulator(tmp_path, f"http://127.0.0.1:{door}")
    try:
        signing = {"shopify_secrets": "", "woocommerce_secrets": "", "standard_secrets": ""}
        service = start_service(database_url, redis_url, **signing, **made.make_settings())
        service.add_api(port=str(door))
        for queue in ("ingest", "tasks", "poll"):
            service.add_worker(queue)
        service.add("dispatcher", "dispatcher")
        service.wait_ready()
        yield made
    finally:
        made.stop()


def test_the_simulators_shop_asks(simulator: Simulator, pool: Pool) -> None:
    made = simulator.tell("POST", "/control/orders", channel="shopify", count=3)["made"]
    wait_for(pool, "SELECT count(*) FROM orders", [(3,)])
    for kind in ("data_request", "redact_customer"):
        simulator.tell("POST", "/control/privacy", kind=kind, external_id=made[0])
    wait_for(pool, DONE, [("done",)])
    # what the shop tells of it from now on, by webhook and by poll, brings nothing back
    simulator.tell("POST", "/control/orders/advance", channel="shopify", steps=3)
    wait_for(pool, f"SELECT revision > 3 FROM orders WHERE external_id = '{made[0]}'", [(True,)])
    erased = "SELECT external_id FROM orders WHERE customer_email IS NULL AND billing_address IS NULL"
    assert query(pool, erased) == [(made[0],)]
    assert query(pool, "SELECT count(*) FROM privacy_requests WHERE kind = 'data_request'") == [(1,)]
    simulator.tell("POST", "/control/privacy", kind="redact_shop")
    wait_for(pool, "SELECT count(*) FROM orders WHERE erased_at IS NULL", [(0,)])
