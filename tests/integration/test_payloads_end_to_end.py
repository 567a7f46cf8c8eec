"""Every webhook payload goes in signed over HTTP and comes out of GET /orders/<id> right, field by field.

tests/expected/ holds what must come out; each file was read against its payload by a person.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

from app.store.pool import Pool
from app.store.tokens import create_token
from tests.integration.conftest import StartService
from tests.sender import PAYLOADS, Sender, read_payload
from tests.service import Service

# payloads in the sequence they are sent, with their topics
SENT = {
    "shopify": {"order": "orders/create", "refund": "refunds/create", "fulfillment": "fulfillments/create"},
    "woocommerce": {"order": "order.created"},
    "standard": {"order": "order.created", "refund": "refund.created", "fulfillment": "fulfillment.created"},
}
VOLATILE = ("id", "revision", "created_at", "updated_at", "deliveries")  # the revision depends on the batches
SETTLE_S = 20.0


@pytest.fixture
def service(start_service: StartService, database_url: str, redis_url: str) -> Service:
    service = start_service(database_url, redis_url)
    service.add_api()
    service.add_worker("ingest")
    service.add("dispatcher", "dispatcher")
    return service.wait_ready()


def fetch(service: Service, token: str, path: str) -> Any:
    url = f"http://127.0.0.1:{service.processes[0].port}{path}"
    answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def wait_for_orders(service: Service, token: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        orders: list[dict[str, Any]] = fetch(service, token, "/orders")["orders"]
        channels = fetch(service, token, "/channels")["channels"]
        if len(orders) == count and all(channel["pending"] == 0 for channel in channels):
            return orders
        time.sleep(0.2)
    raise AssertionError(f"not all {count} orders were stored within {SETTLE_S} s")


def strip_volatile(order: dict[str, Any]) -> dict[str, Any]:
    """Without ids and times of our own; events in the sequence of their requests."""
    kept = {name: value for name, value in order.items() if name not in VOLATILE}
    for event in kept["events"]:
        del event["id"], event["at"]
    return kept


def test_every_payload_comes_out_right(service: Service, pool: Pool) -> None:
    token = create_token(pool, "test", "admin")
    for channel, payloads in SENT.items():
        sender = Sender(service.processes[0].port, channel, service.secrets[channel])
        for name, topic in payloads.items():
            sent = sender.send(read_payload(channel, name), name, topic, X_Request_Id=f"request-{channel}-{name}")
            assert sent.status_code == 200, sent.text
    for summary in wait_for_orders(service, token, len(SENT)):
        channel = summary["channel"]
        order = fetch(service, token, f"/orders/{summary['id']}?payload=true")
        assert summary.items() <= order.items()
        raw = [delivery["payload"].encode() for delivery in order["deliveries"]]
        assert raw == [read_payload(channel, name) for name in SENT[channel]]
        assert [one["request_id"] for one in order["deliveries"]] == [
            f"request-{channel}-{name}" for name in SENT[channel]
        ]
        expected = json.loads((PAYLOADS.parent / "expected" / f"{channel}.json").read_bytes())
        order["events"].sort(key=lambda event: list(SENT[channel]).index(event["request_id"].rpartition("-")[2]))
        assert strip_volatile(order) == expected


def test_every_order_of_the_woocommerce_list_is_stored(service: Service, pool: Pool) -> None:
    token = create_token(pool, "test", "viewer")
    orders = json.loads(read_payload("woocommerce", "orders"))
    sender = Sender(service.processes[0].port, "woocommerce", service.secrets["woocommerce"])
    for order in orders:
        assert sender.send(json.dumps(order).encode(), f"d-{order['id']}").status_code == 200
    found = wait_for_orders(service, token, len(orders))
    assert {(one["external_id"], one["total"], one["currency"]) for one in found} == {
        (str(order["id"]), order["total"], order["currency"]) for order in orders
    }
