"""Erased is erased: in every column, and whatever is delivered about the person afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.channels.shopify.parse import parse
from app.errors import Conflict
from app.model import PolledOrder
from app.orders import privacy_work
from app.orders.privacy_work import run_request
from app.store.inbox import MAX_ATTEMPTS
from app.store.polls import store_page, take_lease
from app.store.pool import Pool
from app.store.privacy import confirm_request
from app.store.privacy_erase import ERASED_PAYLOAD
from app.store.quarantine import list_quarantine, release_delivery
from tests.integration.conftest import open_pool
from tests.privacy import (
    CANARIES,
    CUSTOMER,
    EMAIL,
    drain,
    make_fulfillment,
    make_order,
    make_redact,
    make_refund,
    put,
    quarantine,
    query,
    search_database,
    store,
    work,
)


@pytest.fixture
def erased(pool: Pool) -> Pool:
    """A store with one order, 1, whose customer was erased, and one of somebody else, 2."""
    store(pool, "first", make_order(1))
    store(pool, "other", make_order(2, email=None, customer=None, billing_address=None, note="of somebody else"))
    query(
        pool,
        "INSERT INTO outbox (order_id, channel, kind, payload, request_id) SELECT id, channel, 'status',"
        ' \'{"status": "shipped", "tracking_number": "canarytrack"}\', \'r\' FROM orders'
        " WHERE external_id = '1' RETURNING id",
    )
    found = {word for _, _, word in search_database(pool)}
    assert found == set(CANARIES) - {"canaryrequest"}
    put(pool, "redact", make_redact(1, note="canaryrequest"), "customers/redact")
    drain(pool)
    assert work(pool) == ["done"]
    return pool


def find_left(pool: Pool) -> set[tuple[str, str, str]]:
    """What is found of the canary customer but for the order of somebody else, which keeps its own."""
    query(pool, "DELETE FROM inbox WHERE delivery_id = 'other' RETURNING id")
    query(pool, "DELETE FROM orders WHERE external_id = '2' RETURNING id")
    return search_database(pool)


def test_every_personal_field_goes_and_the_books_stay(erased: Pool) -> None:
    assert query(erased, "SELECT note FROM orders WHERE external_id = '2'") == [("of somebody else",)]
    assert find_left(erased) == set()
    assert query(erased, "SELECT total::text, currency, channel_status, erased_at IS NOT NULL FROM orders") == [
        ("409.94", "USD", "authorized", True)
    ]
    assert query(erased, "SELECT count(*) FROM order_items") == [(3,)]
    assert query(erased, "SELECT amount::text FROM refunds") == [("209.00",)]
    assert query(erased, "SELECT payload ->> 'status' FROM outbox") == [("shipped",)]
    assert query(erased, "SELECT type, actor FROM order_events WHERE type = 'personal_data_erased'") == [
        ("personal_data_erased", "privacy:1")
    ]
    assert query(erased, "SELECT state, orders_erased, subject, actor FROM privacy_requests") == [
        ("done", 1, None, "channel:shopify")
    ]


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/updated", make_order(1)),
        ("orders/updated", make_order(1, 30, financial_status="paid", note="canarynote again")),
        ("refunds/create", make_refund(1) | {"id": 77}),
        ("fulfillments/create", make_fulfillment(1) | {"id": 78, "updated_at": "2027-01-01T00:00:00Z"}),
        ("orders/create", make_order(3)),
        ("orders/create", make_order(4, customer=None)),
        ("orders/create", make_order(5, email=None, contact_email=None)),
    ],
    ids=["old", "newer", "refund", "fulfilment", "unknown order", "by e-mail", "by customer id"],
)
def test_what_is_delivered_later_is_stored_without_the_person(erased: Pool, topic: str, body: dict[str, Any]) -> None:
    store(erased, "later", body, topic)
    [(state, payload)] = query(erased, "SELECT state, payload FROM inbox WHERE delivery_id = 'later'")
    assert (state, payload) == ("done", ERASED_PAYLOAD)
    if body.get("financial_status") == "paid":
        assert query(erased, "SELECT channel_status FROM orders WHERE external_id = '1'") == [("paid",)]
    assert find_left(erased) == set()


def test_a_poll_brings_nothing_back(erased: Pool) -> None:
    payload = json.dumps(make_order(1, 45))
    order = parse("orders/updated", payload).order
    assert order
    query(erased, "INSERT INTO poll_state (channel, synced_until) VALUES ('shopify', now()) RETURNING channel")
    lease = take_lease(erased, "shopify", "me", 60)
    assert lease
    polled = PolledOrder("1", order.version, "orders/updated", payload)
    assert store_page(erased, lease, [polled], synced_until=None, place=None, lease_s=60, request_id="r") == 1
    drain(erased)
    assert query(erased, "SELECT channel_version FROM orders WHERE external_id = '1'") == [(order.version,)]
    assert find_left(erased) == set()


def test_an_order_placed_after_the_erasure_keeps_its_data(erased: Pool) -> None:
    placed = "2999-01-01T00:00:00Z"
    store(erased, "anew", make_order(9, created_at=placed, processed_at=placed, updated_at=placed), "orders/create")
    assert query(erased, "SELECT customer_email, note FROM orders WHERE external_id = '9'") == [(EMAIL, "canarynote")]
    assert "canarystreet" in query(erased, "SELECT payload FROM inbox WHERE delivery_id = 'anew'")[0][0]


def test_what_waits_in_quarantine_is_erased_and_not_replayed(pool: Pool) -> None:
    quarantine(pool, "by-order", make_refund(1) | {"transactions": "broken"}, "refunds/create")
    quarantine(pool, "by-mail", make_order(3, total_price="broken", customer=None))
    quarantine(pool, "by-customer", make_order(4, total_price="broken", email=None, contact_email=None))
    quarantine(pool, "stranger", {"id": 5, "total_price": "broken", "total_tax": "770077007700"})
    assert len(list_quarantine(pool, channel=None, before_id=None, limit=9)) == 4
    store(pool, "first", make_order(1))
    store(pool, "redact", make_redact(), "customers/redact")
    assert work(pool) == ["done"]
    assert query(pool, "SELECT delivery_id, state FROM inbox WHERE state <> 'done' ORDER BY id") == [
        ("by-order", "discarded"),
        ("by-mail", "discarded"),
        ("by-customer", "discarded"),
        ("stranger", "quarantined"),
    ]
    assert search_database(pool) == {("inbox", "payload", "770077007700")}  # of the stranger: an amount, not an id


def test_a_replay_from_quarantine_brings_nothing_back(pool: Pool) -> None:
    quarantine(pool, "broken", make_order(1, total_price="broken"))
    [row] = list_quarantine(pool, channel=None, before_id=None, limit=9)
    release_delivery(pool, row.id)
    put(pool, "redact", make_redact(1), "customers/redact")
    drain(pool)
    assert work(pool) == ["done"]
    for _ in range(MAX_ATTEMPTS):  # the replay was under way while the customer was erased, and fails again
        query(pool, "UPDATE inbox SET next_attempt_at = now() WHERE state = 'pending' RETURNING id")
        drain(pool)
    assert query(pool, "SELECT state FROM inbox WHERE delivery_id = 'broken'") == [("discarded",)]
    assert search_database(pool) == set()


def test_an_old_delivery_that_cannot_be_read_brings_nothing_back(erased: Pool) -> None:
    quarantine(erased, "again", make_order(1, total_price="broken"))
    assert query(erased, "SELECT state, payload FROM inbox WHERE delivery_id = 'again'") == [
        ("discarded", ERASED_PAYLOAD)
    ]
    assert find_left(erased) == set()


def test_what_waited_in_the_inbox_and_is_about_no_order_brings_nothing_back(pool: Pool) -> None:
    """It came before the request, and is drained after all the inbox has been searched; what came later is kept."""
    body = {"id": CUSTOMER, "email": EMAIL, "note": "canarynote"}
    put(pool, "waiting", body, "customers/update")
    query(pool, "UPDATE inbox SET next_attempt_at = now() + interval '1 hour' RETURNING id")
    store(pool, "redact", make_redact(note="canaryrequest"), "customers/redact")
    assert work(pool) == ["done"]
    query(pool, "UPDATE inbox SET next_attempt_at = NULL RETURNING id")
    drain(pool)
    assert query(pool, "SELECT state, result, payload FROM inbox WHERE delivery_id = 'waiting'") == [
        ("done", "ignored", ERASED_PAYLOAD)
    ]
    assert search_database(pool) == set()
    store(pool, "later", body, "customers/update")
    assert query(pool, "SELECT count(*) FROM inbox WHERE payload LIKE '%%canarynote%%'") == [(1,)]


def test_an_order_and_the_request_in_one_batch(pool: Pool) -> None:
    put(pool, "order", make_order(1), "orders/create")
    put(pool, "redact", make_redact(), "customers/redact")
    put(pool, "again", make_order(1, 5), "orders/updated")
    drain(pool)
    assert work(pool) == ["done"]
    assert search_database(pool) == set()
    assert query(pool, "SELECT count(*) FROM orders") == [(1,)]


def test_a_drain_that_began_before_the_request_cannot_bring_anything_back(pool: Pool, database_url: str) -> None:
    """It has looked for tombstones before there was one, and commits last: the erasure waits for it."""
    slow = open_pool(database_url, size=1)
    put(pool, "redact", make_redact(1), "customers/redact")
    with slow.transaction("test") as cursor:
        cursor.execute("SELECT 1 FROM orders WHERE false")
        cursor.execute(
            "INSERT INTO orders (channel, external_id, number, channel_status, channel_version,"
            " channel_rank, channel_delivery, placed_at, note) VALUES ('shopify', '1', '1', 'paid', now(),"
            " 1, 'd', now() - interval '1 day', 'canarynote')"
        )
        drain(pool)
        assert work(pool) == ["waiting"]
    query(pool, "UPDATE privacy_requests SET next_run_at = now() RETURNING id")
    assert work(pool) == ["done"]
    slow.close()
    assert search_database(pool) == set()


def redact_shop(pool: Pool, delivery_id: str) -> None:
    store(pool, delivery_id, {"shop_id": 1, "shop_domain": "canary-shop.myshopify.com"}, "shop/redact")


def test_a_whole_shop_in_bounded_batches_over_a_crash(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 5001):
        if number % 500 == 1:
            bodies = [make_order(one, fulfillments=[], refunds=[]) for one in range(number, number + 500)]
            for body in bodies:
                put(pool, f"d-{body['id']}", body, "orders/create")
            drain(pool)
    store(pool, "product", {"id": 5, "vendor": "canaryname"}, "products/update")
    redact_shop(pool, "redact")
    held: list[int] = []
    erase = privacy_work.privacy_erase.erase_orders

    def erase_and_die(cursor: Any, ids: Any, *rest: Any) -> Any:
        held.append(len(ids))
        if len(held) == 4:
            raise KeyboardInterrupt
        return erase(cursor, ids, *rest)

    monkeypatch.setattr(privacy_work.privacy_erase, "erase_orders", erase_and_die)
    with pytest.raises(KeyboardInterrupt):
        run_request(pool, 1, seconds=20)
    assert query(pool, "SELECT count(*) FROM orders WHERE erased_at IS NOT NULL") == [(1500,)]
    assert query(pool, "SELECT walked, phase, state FROM privacy_requests") == [(1500, "orders", "open")]
    assert run_request(pool, 1, seconds=20) == "skipped"  # until the lease of the dead run ends
    query(pool, "UPDATE privacy_requests SET next_run_at = now() RETURNING id")
    assert run_request(pool, 1, seconds=20) == "done"
    assert max(held) == privacy_work.ORDERS_BATCH
    assert query(pool, "SELECT orders_erased, payloads_erased FROM privacy_requests") == [(5000, 5001)]
    assert search_database(pool) == set()
    store(pool, "late", make_order(6000), "orders/create")
    assert search_database(pool) == set()


def test_the_same_body_again_is_held_until_an_operator_confirms(pool: Pool) -> None:
    redact_shop(pool, "first")
    assert work(pool) == ["done"]
    placed = "2026-11-22T00:00:00Z"
    query(pool, "UPDATE erased_subjects SET erased_at = '2026-11-21' RETURNING channel")
    store(pool, "anew", make_order(1, created_at=placed, processed_at=placed, updated_at=placed), "orders/create")
    redact_shop(pool, "replayed")
    assert work(pool) == []
    assert query(pool, "SELECT customer_email FROM orders") == [(EMAIL,)]
    [(first, _), (second, state)] = query(pool, "SELECT id, state FROM privacy_requests ORDER BY id")
    assert state == "held"
    with pytest.raises(Conflict, match="not held"):
        confirm_request(pool, first)
    confirm_request(pool, second)
    assert work(pool) == ["done"]
    assert search_database(pool) == set()
