"""Orders through the console API, over a real PostgreSQL: pages, filters, the whole life."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from app.store.connection import TimedCursor
from tests.api_console import Console, insert_delivery, insert_order, run_console, run_sql

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url) as running:
        yield running


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that goes to PostgreSQL, as it is sent."""
    seen: list[str] = []
    execute = TimedCursor.execute

    def record(self: TimedCursor, query: Any, values: Any = None) -> None:
        seen.append(self.mogrify(query, values).decode())
        execute(self, query, values)

    monkeypatch.setattr(TimedCursor, "execute", record)
    return seen


def read_pages(console: Console, query: str, between: Any = lambda page: None) -> list[list[str]]:
    pages, path = [], f"/orders?{query}"
    while path:
        answer = console.get(path)
        assert answer.status_code == 200, answer.text
        pages.append([order["external_id"] for order in answer.json["orders"]])
        between(len(pages))
        following = answer.json["next"]
        assert (following is None) == ("Link" not in answer.headers)
        path = answer.headers["Link"].partition(">")[0].lstrip("<") if following else ""
    return pages


def test_pages_hold_every_order_once_while_others_come_in(console: Console, database_url: str) -> None:
    # many share an instant, so that the id has to decide
    for number in range(60):
        insert_order(database_url, f"old-{number:02}", placed_at=NOON - timedelta(minutes=number // 7))

    def insert_more(page: int) -> None:
        insert_order(database_url, f"newest-{page}", placed_at=NOON + timedelta(minutes=page))
        insert_order(database_url, f"late-{page}", placed_at=NOON - timedelta(days=2, minutes=page))

    pages = read_pages(console, "limit=11", insert_more)
    seen = [one for page in pages for one in page]
    expected = [f"old-{n:02}" for n in sorted(range(60), key=lambda n: (n // 7, -n))]
    assert [one for one in seen if one.startswith("old")] == expected
    assert len(seen) == len(set(seen))
    assert not any(one.startswith("newest") for one in seen)
    assert all(len(page) == 11 for page in pages[:-1])


def test_filters_narrow_and_combine(console: Console, database_url: str) -> None:
    insert_order(database_url, "a", channel="shopify", channel_status="paid", placed_at=NOON)
    insert_order(database_url, "b", channel="standard", channel_status="paid", placed_at=NOON - timedelta(days=1))
    insert_order(database_url, "c", channel="standard", channel_status="refunded", progress="shipped",
                 placed_at=NOON - timedelta(days=2))  # fmt: skip
    insert_order(database_url, "d", channel="standard", progress="packed", placed_at=NOON - timedelta(days=3))
    for query, expected in (
        ("channel=standard", ["b", "c", "d"]),
        ("status=new", ["a", "b"]),
        ("status=refunded", ["c"]),
        ("status=shipped", []),
        ("channel_status=paid", ["a", "b", "d"]),
        ("placed_from=2026-02-28T12:00:00Z", ["a", "b"]),
        ("placed_to=2026-02-28T12:00:00Z", ["c", "d"]),
        ("placed_from=2026-02-28T13:00:00%2B01:00&placed_to=2026-03-01T12:00:00Z", ["b"]),
        ("channel=standard&status=packed", ["d"]),
    ):
        assert list(chain(*read_pages(console, query))) == expected, query


def test_text_finds_number_id_email_and_name(console: Console, database_url: str) -> None:
    insert_order(database_url, "900", number="#1001", customer_name="Ana Łuna", customer_email="Ana@Example.org")
    insert_order(database_url, "902", number="#WA-77L", customer_name="Third")
    insert_order(database_url, "903", number="W-1", customer_name="山田\u3000太郎")
    insert_order(database_url, "904", number="W-2", customer_name="Zoë\u00a0Nbsp")
    insert_order(database_url, "901", number="1002", customer_name="Bo_b 50%", customer_email="x\\y@example.org")
    for text, expected in (
        ("1001", ["900"]), ("%231001", ["900"]), ("100", ["901", "900"]), ("901", ["901"]), ("90", []),
        ("ana@ex", ["900"]), ("ANA%20%C5%81", ["900"]), ("bo_b", ["901"]), ("bo_b%2050%25", ["901"]),
        ("x%5Cy", ["901"]), ("%25%25", []), ("__", []), ("luna", []),
        ("%23wa-77", ["902"]), ("Wa-77l", ["902"]), ("山田%E3%80%80太", ["903"]), ("Zo%C3%AB%C2%A0N", ["904"]),
    ):  # fmt: skip
        assert list(chain(*read_pages(console, f"text={text}"))) == expected, text


@pytest.mark.parametrize(
    ("query", "names"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("limit=ten", "limit"), ("color=red", "color"),
     ("status=lost", "status"), ("channel=ebay", "channel"), ("channel_status=x", "channel_status"),
     ("placed_from=yesterday", "placed_from"), ("placed_to=2026-03-01T12:00:00", "placed_to"),
     ("cursor=%00", "cursor"), ("cursor=AAAA", "cursor"), ("text=a", "text"), ("text=a%00b", "text"),
     ("text=" + "x" * 201, "text"), ("limit=5&limit=6", "limit")],
)  # fmt: skip
def test_a_wrong_parameter_is_named(console: Console, query: str, names: str) -> None:
    answer = console.get(f"/orders?{query}")
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"].startswith(f"{names}:")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


HOSTILE = ("' OR 1=1 --", "'; DROP TABLE orders; --", "%", "_", "\\", '"', "{}", "$1", "%(text)s", "\u202e",
           "<script>alert(1)</script>", "=1+1", "😀")  # fmt: skip


def test_hostile_text_is_data_in_every_filter_and_field(console: Console, database_url: str) -> None:
    insert_order(database_url, "plain", customer_name="Ana", customer_email="ana@example.org")
    parameters = ("channel", "status", "channel_status", "text", "placed_from", "placed_to", "cursor", "limit")
    for parameter in parameters:
        for value in HOSTILE:
            answer = console.get("/orders", query_string={parameter: f"{value}x"})
            assert answer.status_code in (200, 400), (parameter, value)
            assert answer.status_code == 400 or answer.json["orders"] == [], (parameter, value)
            assert answer.content_type.endswith("json")
            assert "<script>" not in answer.text
    for number, value in enumerate(HOSTILE):
        insert_order(database_url, f"{number}{value}", number=value, customer_name=value, customer_email=value,
                     note=value, customer_phone=value)  # fmt: skip
    listed = {order["external_id"]: order for order in console.get("/orders?limit=200").json["orders"]}
    for number, value in enumerate(HOSTILE):
        order = listed[f"{number}{value}"]
        assert order["customer_name"] == order["customer_email"] == order["number"] == value
        answer = console.get(f"/orders/{order['id']}")
        assert answer.json["note"] == value
        assert answer.content_type == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert run_sql(database_url, "SELECT count(*) FROM orders")[0][0] == len(HOSTILE) + 1


def test_the_whole_life_of_an_order(console: Console, database_url: str) -> None:
    order_id = insert_order(database_url, "77", total="0.0000001", subtotal="1234567890123456.10",
                            shipping_lines='[{"title": "Post", "amount": "4.90"}]')  # fmt: skip
    run_sql(database_url, "INSERT INTO order_items (order_id, position, external_id, name, quantity, unit_price)"
            " VALUES (%s, 2, 'i2', 'Cup', 2, 9.95), (%s, 1, 'i1', 'Tea', 1.5, 3.333333)",
            (order_id, order_id))  # fmt: skip
    run_sql(database_url, "INSERT INTO refunds (order_id, external_id, amount, lines)"
            " VALUES (%s, 'r1', 5, '[{\"item_external_id\": \"i1\", \"quantity\": \"1\"}]')", (order_id,))  # fmt: skip
    run_sql(database_url, "INSERT INTO fulfillments (order_id, external_id, status, version, tracking_numbers)"
            " VALUES (%s, 'f1', 'success', '2026-03-02T10:00:00+02', '[\"T1\"]')", (order_id,))  # fmt: skip
    run_sql(database_url, "INSERT INTO order_events (order_id, type, actor, request_id)"
            " VALUES (%s, 'order_created', 'channel:shopify', 'request-0001')", (order_id,))  # fmt: skip
    insert_delivery(database_url, "d-1", state="done", order_id=order_id, result="created", job_id="job-1",
                    payload='{"secret": "payload"}')  # fmt: skip
    answer = console.get(f"/orders/{order_id}")
    order = answer.json
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert (order["total"], order["subtotal"]) == ("0.0000001", "1234567890123456.10")
    assert [(one["external_id"], one["quantity"], one["unit_price"]) for one in order["items"]] == [
        ("i1", "1.5", "3.333333"), ("i2", "2", "9.95")]  # fmt: skip
    assert order["refunds"][0]["lines"] == [{"item_external_id": "i1", "quantity": "1"}]
    assert order["fulfillments"][0]["version"] == "2026-03-02T08:00:00Z"
    assert order["events"][0]["type"] == "order_created"
    assert order["placed_at"] == "2026-03-01T10:00:00Z"
    assert order["next_statuses"] == ["processing", "on_hold", "cancelled"]
    delivery = order["deliveries"][0]
    assert (delivery["delivery_id"], delivery["job_id"], delivery["result"]) == ("d-1", "job-1", "created")
    assert "secret" not in answer.text
    assert console.get(f"/orders/{order_id}?payload=true", "operator").status_code == 403
    with_payload = console.get(f"/orders/{order_id}?payload=true", "admin").json
    assert with_payload["deliveries"][0]["payload"] == '{"secret": "payload"}'


def test_an_order_known_only_by_its_refund_has_no_version(console: Console, database_url: str) -> None:
    order_id = insert_order(database_url, "stub", channel_version="0001-01-01T00:00:00Z", channel_status="unknown",
                            total=None, currency=None)  # fmt: skip
    order = console.get(f"/orders/{order_id}").json
    assert (order["channel_version"], order["total"]) == (None, None)


@pytest.mark.parametrize("order_id", ["0", "999", "9223372036854775807", "9223372036854775808", "9" * 5000, "-1", "x"])
def test_an_order_that_is_not_there_is_404(console: Console, order_id: str) -> None:
    answer = console.get(f"/orders/{order_id}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_pages_and_orders_cost_the_same_statements_whatever_is_in_them(
    console: Console, database_url: str, statements: list[str]
) -> None:
    def count(path: str) -> int:
        statements.clear()
        assert console.get(path).status_code == 200
        return len(statements)

    order_id = insert_order(database_url, "first")
    small_page, small_order = count("/orders?limit=100"), count(f"/orders/{order_id}")
    for number in range(99):
        insert_order(database_url, f"more-{number}")
    run_sql(database_url, "INSERT INTO order_items (order_id, position, external_id, name, quantity, unit_price)"
            " SELECT %s, n, n, 'x', 1, 1 FROM generate_series(1, 200) n", (order_id,))  # fmt: skip
    run_sql(database_url, "INSERT INTO order_events (order_id, type, actor, request_id)"
            " SELECT %s, 'order_updated', 'x', 'x' FROM generate_series(1, 700)", (order_id,))  # fmt: skip
    assert count("/orders?limit=100") == small_page == 2  # the token, the page
    assert count(f"/orders/{order_id}") == small_order
    assert len(console.get(f"/orders/{order_id}").json["events"]) == 500


@pytest.mark.parametrize(
    ("query", "index"),
    [("text=ana.17777", "orders_pkey"), ("text=%231234", "orders_pkey"), ("text=ext-777", "orders_pkey"),
     ("text=nobody", "orders_pkey"), ("", "orders_placed"),
     ("channel_status=failed", "orders_channel_status_placed"), ("status=packed", "orders_status_placed"),
     ("channel=standard", "orders_channel_placed"), ("placed_to=2026-01-01T00:00:00Z", "orders_placed")],
)  # fmt: skip
def test_lists_are_read_by_index(
    console: Console, database_url: str, statements: list[str], query: str, index: str
) -> None:
    run_sql(database_url, "INSERT INTO orders (channel, external_id, number, channel_status, channel_version,"
            " channel_rank, channel_delivery, placed_at, customer_email, customer_name)"
            " SELECT 'shopify', 'ext-' || n, '#' || n, 'paid', now(), 30, 'd', now() - n * interval '1 minute',"
            " 'ana.' || n || '@example.org', 'Customer ' || n FROM generate_series(1, 20000) n")  # fmt: skip
    run_sql(database_url, "ANALYZE orders")
    statements.clear()
    assert console.get(f"/orders?limit=20&{query}").status_code == 200
    *_, search, page = statements
    plan = explain(database_url, page)
    assert f" {index} " in plan
    assert "Seq Scan" not in plan
    if index == "orders_pkey":
        search_plan = explain(database_url, search)
        assert "Seq Scan" not in search_plan
        for one in ("orders_number", "orders_customer_email", "orders_customer_name", "orders_channel_external"):
            assert f" {one} " in search_plan


def test_a_text_that_matches_too_much_is_refused(console: Console, database_url: str) -> None:
    run_sql(database_url, "INSERT INTO orders (channel, external_id, number, channel_status, channel_version,"
            " channel_rank, channel_delivery, placed_at)"
            " SELECT 'shopify', n, '#1' || n, 'paid', now(), 30, 'd', now()"
            " FROM generate_series(1, 5001) n")  # fmt: skip
    answer = console.get("/orders?text=%231")
    assert (answer.status_code, answer.json["detail"]) == (400, "text: more than 5000 orders match; write more of it")
    run_sql(database_url, "DELETE FROM orders WHERE external_id = '5001'")
    assert len(console.get("/orders?text=%231").json["orders"]) == 50


def explain(database_url: str, statement: str) -> str:
    return "\n".join(f"{row[0]} " for row in run_sql(database_url, f"EXPLAIN {statement}"))
