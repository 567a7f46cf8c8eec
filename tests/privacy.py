"""Orders whose every personal field holds a word that is found nowhere else, and a search for such words everywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import redis

from app.channels import CHANNELS
from app.orders.drain import drain_batch
from app.orders.privacy_work import run_request
from app.store.inbox import MAX_ATTEMPTS, NewDelivery, insert_deliveries
from app.store.pool import Pool
from tests.sender import read_payload

PARSERS = {name: channel.parse for name, channel in CHANNELS.items()}
EMAIL = "Canary.Mail@example.com"
CUSTOMER = 770077007700
SHOP = "canary-shop.myshopify.com"
# in lower case: the search is without regard to case
CANARIES = ("canary.mail", "770077007700", "canaryname", "canaryphone", "canarystreet", "canarytown", "canarycompany")
CANARIES += ("canarynote", "canaryreason", "canarytrack", "canaryzip", "canaryrequest")
SEARCHED = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN ('text', 'json', 'jsonb', 'bytea', 'character varying', 'ARRAY')
  AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE')
"""


def make_address() -> dict[str, str]:
    return {
        "first_name": "Canaryname",
        "last_name": "Zwei",
        "company": "canarycompany",
        "address1": "canarystreet 1",
        "address2": "canarystreet 2",
        "city": "canarytown",
        "zip": "canaryzip",
        "country_code": "GB",
        "phone": "canaryphone",
    }


def make_order(number: int, minute: int = 0, *, day: int = 1, **changes: Any) -> dict[str, Any]:
    """A Shopify order of the canary customer, placed on a day of November 2026 and changed in that minute of it."""
    order: dict[str, Any] = json.loads(read_payload("shopify"))
    return order | {
        "id": number,
        "name": f"#{number}",
        "created_at": f"2026-11-{day:02}T10:00:00Z",
        "processed_at": f"2026-11-{day:02}T10:00:00Z",
        "updated_at": f"2026-11-{day:02}T10:{minute:02}:00Z",
        "email": EMAIL,
        "contact_email": EMAIL,
        "phone": "canaryphone",
        "note": "canarynote",
        "browser_ip": "canaryname",
        "customer": {"id": CUSTOMER, "email": EMAIL, "first_name": "Canaryname", "phone": "canaryphone"},
        "billing_address": make_address(),
        "shipping_address": make_address(),
        "fulfillments": [make_fulfillment(number)],
        "refunds": [make_refund(number)],
        **changes,
    }


def make_fulfillment(number: int) -> dict[str, Any]:
    fulfillment: dict[str, Any] = json.loads(read_payload("shopify", "fulfillment"))
    return fulfillment | {
        "id": number * 10,
        "order_id": number,
        "tracking_number": "canarytrack",
        "tracking_numbers": ["canarytrack"],
        "tracking_urls": ["https://carrier.example/canarytrack"],
        "destination": make_address(),
        "email": EMAIL,
    }


def make_refund(number: int) -> dict[str, Any]:
    refund: dict[str, Any] = json.loads(read_payload("shopify", "refund"))
    return refund | {"id": number * 10 + 1, "order_id": number, "note": "canaryreason"}


def make_redact(*orders: int, **changes: Any) -> dict[str, Any]:
    """Shopify's customers/redact."""
    customer = {"id": CUSTOMER, "email": EMAIL, "phone": "canaryphone"}
    return {"shop_id": 1, "shop_domain": SHOP, "customer": customer, "orders_to_redact": list(orders), **changes}


def make_data_request(*orders: int) -> dict[str, Any]:
    """Shopify's customers/data_request."""
    body = make_redact() | {"orders_requested": list(orders), "data_request": {"id": 9999}}
    del body["orders_to_redact"]
    return body


def put(pool: Pool, delivery_id: str, body: dict[str, Any], topic: str, channel: str = "shopify") -> None:
    insert_deliveries(pool, [NewDelivery(channel, delivery_id, topic, f"request-{delivery_id}", json.dumps(body))])


def drain(pool: Pool) -> None:
    while drain_batch(pool, PARSERS, 500, "job-of-the-test"):
        pass


def store(pool: Pool, delivery_id: str, body: dict[str, Any], topic: str = "orders/updated") -> None:
    put(pool, delivery_id, body, topic)
    drain(pool)


def query(pool: Pool, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with pool.autocommit("test") as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def quarantine(pool: Pool, delivery_id: str, body: dict[str, Any], topic: str = "orders/updated") -> None:
    """Deliver what cannot be read, and let all of its tries pass."""
    put(pool, delivery_id, body, topic)
    for _ in range(MAX_ATTEMPTS):
        drain(pool)
        query(pool, "UPDATE inbox SET next_attempt_at = now() WHERE state = 'pending' RETURNING id")


def work(pool: Pool) -> list[str]:
    """Work on every open request to erase; the states they came to."""
    ids = query(pool, "SELECT id FROM privacy_requests WHERE state = 'open' AND kind LIKE 'redact%' ORDER BY id")
    return [run_request(pool, request_id, seconds=20) for (request_id,) in ids]


def search_database(pool: Pool, words: Sequence[str] = CANARIES) -> set[tuple[str, str, str]]:
    """(table, column, word) wherever one of the words stands, in any column that can hold text."""
    found = set()
    columns = query(pool, SEARCHED)
    assert {("inbox", "payload"), ("orders", "note"), ("fulfillments", "tracking_urls")} <= set(columns)
    for table, column in columns:
        for word in words:
            if query(pool, f'SELECT 1 FROM "{table}" WHERE strpos(lower("{column}"::text), %s) > 0 LIMIT 1', word):
                found.add((table, column, word))
    return found


def search_redis(url: str, words: Sequence[str] = CANARIES) -> set[str]:
    """Keys whose name or dumped value holds one of the words."""
    client = redis.Redis.from_url(url)
    try:
        dumps = {key: (key + (client.dump(key) or b"")).lower() for key in client.keys("*")}
    finally:
        client.close()
    return {key.decode() for key, dump in dumps.items() if any(word.encode() in dump for word in words)}
