"""The store path on a real PostgreSQL: versions, poison, races, and what an order's life looks like."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

import app.orders.drain as drain_module
from app.channels import CHANNELS
from app.config import Config
from app.errors import StoreUnavailable
from app.orders.drain import drain_batch
from app.store import inbox
from app.store.inbox import MAX_ATTEMPTS, NewDelivery, has_abandoned, insert_deliveries, prune_deliveries
from app.store.pool import Pool
from tests.integration.conftest import open_pool
from tests.sender import read_payload
from worker.context import Context, use
from worker.jobs import drain_inbox

PARSERS = {name: channel.parse for name, channel in CHANNELS.items()}
WOO = json.loads(read_payload("woocommerce"))


def make_woo(number: int, minute: int, status: str, **changes: Any) -> str:
    changed = {
        "id": number,
        "number": str(number),
        "status": status,
        "date_modified_gmt": f"2026-11-22T10:{minute:02}:00",
    }
    return json.dumps(WOO | changed | changes)


def put(pool: Pool, delivery_id: str, payload: str, channel: str = "woocommerce", topic: str = "order.updated") -> None:
    insert_deliveries(pool, [NewDelivery(channel, delivery_id, topic, f"request-{delivery_id}", payload)])


def drain(pool: Pool, limit: int = 500) -> int:
    return drain_batch(pool, PARSERS, limit, "job-of-the-test")


def drain_all(pool: Pool) -> None:
    while drain(pool):
        pass


def query(pool: Pool, sql: str) -> list[tuple[Any, ...]]:
    with pool.autocommit("test") as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def make_due(pool: Pool) -> None:
    """Skip the wait before the next try."""
    with pool.autocommit("test") as cursor:
        cursor.execute("UPDATE inbox SET next_attempt_at = now() WHERE state = 'pending'")


def test_the_life_of_an_order(pool: Pool) -> None:
    put(pool, "create", make_woo(1, 0, "processing"))
    assert drain(pool) == 1
    put(pool, "cancel", make_woo(1, 5, "cancelled"))
    put(pool, "late", make_woo(1, 3, "processing"))
    assert drain(pool) == 2
    assert drain(pool) == 0
    assert query(pool, "SELECT external_id, channel_status, status, revision FROM orders") == [
        ("1", "cancelled", "cancelled", 2)
    ]
    assert query(pool, "SELECT delivery_id, state, result, job_id FROM inbox ORDER BY id") == [
        ("create", "done", "created", "job-of-the-test"),
        ("cancel", "done", "updated", "job-of-the-test"),
        ("late", "done", "stale", "job-of-the-test"),
    ]
    assert query(pool, "SELECT type, actor, from_value, to_value, request_id FROM order_events ORDER BY id") == [
        ("order_created", "channel:woocommerce", None, "paid", "request-create"),
        ("channel_status_changed", "channel:woocommerce", "paid", "cancelled", "request-cancel"),
        ("status_changed", "channel:woocommerce", "new", "cancelled", "request-cancel"),
        ("delivery_stale", "channel:woocommerce", "cancelled", "cancelled", "request-late"),
    ]
    assert query(pool, "SELECT count(*) FROM order_items") == [(2,)]


def test_unrounded_numbers_are_kept_as_the_channel_gave_them(pool: Pool) -> None:
    items = [WOO["line_items"][0] | {"price": 3.3333333333333335, "total_tax": "0.123456789012345678"}]
    put(pool, "d", make_woo(1, 0, "processing", total="29.350", line_items=items))
    drain(pool)
    assert query(pool, "SELECT total::text FROM orders") == [("29.350",)]
    assert query(pool, "SELECT unit_price::text, tax::text FROM order_items") == [
        ("3.3333333333333335", "0.123456789012345678")
    ]


@pytest.mark.parametrize(
    "text", ['{"a"}', "NULL", "back\\slash", 'quote"', "comma,", "new\nline", "Zoë 🚲", "'; DROP TABLE orders; --", " "]
)
def test_text_comes_out_as_it_went_in(pool: Pool, text: str) -> None:
    put(pool, text, make_woo(1, 0, "processing", customer_note=f"<{text}>"))
    drain(pool)
    assert query(pool, "SELECT note FROM orders") == [(f"<{text}>",)]
    assert query(pool, "SELECT delivery_id FROM inbox") == [(text,)]


def test_operators_progress_survives_the_channel(pool: Pool) -> None:
    put(pool, "create", make_woo(1, 0, "processing"))
    drain(pool)
    query(pool, "UPDATE orders SET progress = 'packed' RETURNING id")
    put(pool, "update", make_woo(1, 1, "completed"))
    drain(pool)
    assert query(pool, "SELECT status, channel_status FROM orders") == [("packed", "fulfilled")]
    put(pool, "refund", make_woo(1, 2, "refunded"))
    drain(pool)
    assert query(pool, "SELECT status, progress FROM orders") == [("refunded", "packed")]


def test_a_refund_and_a_fulfilment_may_overtake_their_order(pool: Pool) -> None:
    put(pool, "refund", read_payload("shopify", "refund").decode(), "shopify", "refunds/create")
    put(pool, "ship", read_payload("shopify", "fulfillment").decode(), "shopify", "fulfillments/create")
    drain(pool)
    assert query(pool, "SELECT external_id, channel_status, total FROM orders") == [("450789469", "unknown", None)]
    put(pool, "order", read_payload("shopify").decode(), "shopify", "orders/create")
    drain(pool)
    [(status, total)] = query(pool, "SELECT channel_status, total::text FROM orders")
    assert (status, total) == ("authorized", "409.94")
    assert query(pool, "SELECT external_id, amount::text FROM refunds") == [("509562969", "209.00")]
    # the order's own copy of the fulfilment is two months younger than the webhook's, and stands
    assert query(pool, "SELECT external_id, status FROM fulfillments") == [("255858046", "failure")]
    types = [row[0] for row in query(pool, "SELECT type FROM order_events ORDER BY id")]
    assert Counter(types) == {"refund_recorded": 1, "fulfillment_recorded": 2, "order_created": 1}


REFUSED = "the constraint refuses this note"


@pytest.fixture
def refusing(pool: Pool) -> None:
    """A database that refuses one value: what our parser takes and PostgreSQL does not, whatever the reason."""
    query(pool, f"ALTER TABLE orders ADD CHECK (note <> '{REFUSED}'); SELECT 1")


@pytest.mark.usefixtures("refusing")
def test_poison_is_isolated_and_quarantined_after_five_tries(pool: Pool) -> None:
    for number in range(100):
        put(pool, f"good-{number}", make_woo(number, 0, "processing"))
    put(pool, "refused", make_woo(900, 0, "processing", customer_note=REFUSED))
    put(pool, "unreadable", '{"id": 901, "status": "processing"}')
    assert drain(pool) == 102
    assert query(pool, "SELECT count(*) FROM orders") == [(100,)]
    for attempt in range(1, MAX_ATTEMPTS + 1):
        states = query(pool, "SELECT state, attempts FROM inbox WHERE delivery_id IN ('refused', 'unreadable')")
        expected = "quarantined" if attempt == MAX_ATTEMPTS else "pending"
        assert states == [(expected, attempt)] * 2
        assert drain(pool) == 0, "a failed delivery waits before its next try"
        make_due(pool)
        assert drain(pool) == (0 if attempt == MAX_ATTEMPTS else 2)
    errors = [row[0] for row in query(pool, "SELECT error FROM inbox WHERE state = 'quarantined' ORDER BY delivery_id")]
    assert "23514" in errors[0]
    assert errors[1] == "currency is missing"
    assert not any(REFUSED in error for error in errors)


@pytest.mark.usefixtures("refusing")
def test_a_batch_of_poison_only_ends_too(pool: Pool) -> None:
    for number in range(9):
        put(pool, f"bad-{number}", make_woo(number, 0, "processing", customer_note=REFUSED))
    assert drain(pool) == 9
    assert query(pool, "SELECT DISTINCT state, attempts FROM inbox") == [("pending", 1)]


def test_a_name_too_long_for_an_index_is_stored_all_the_same(pool: Pool) -> None:
    name = random.Random(1).randbytes(20_000).hex()
    put(pool, "long", make_woo(1, 0, "processing", billing=WOO["billing"] | {"first_name": name}))
    drain(pool)
    assert query(pool, "SELECT length(customer_name) FROM orders") == [(40_004,)]


def test_a_claim_is_bounded_in_bytes_and_takes_one_at_least(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = make_woo(1, 0, "processing")
    for number in range(6):
        put(pool, f"d-{number}", make_woo(number, 0, "processing"))
    monkeypatch.setattr(inbox, "MAX_CLAIM_BYTES", len(payload) * 2)
    assert [drain(pool) for _ in range(4)] == [2, 2, 2, 0]
    put(pool, "large", make_woo(7, 0, "processing", customer_note="x" * len(payload) * 3))
    put(pool, "small", make_woo(8, 0, "processing"))
    assert [drain(pool) for _ in range(3)] == [1, 1, 0]


def test_parsing_that_takes_long_leaves_the_rest_for_the_next_batch(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        put(pool, f"d-{number}", make_woo(number, 0, "processing"))
    monkeypatch.setattr(drain_module, "PARSE_SECONDS", 0.0)
    assert [drain(pool) for _ in range(6)] == [1, 1, 1, 1, 1, 0]


def test_a_parsers_bug_is_charged_to_its_delivery_and_a_jobs_timeout_to_nobody(pool: Pool) -> None:
    put(pool, "d", make_woo(1, 0, "processing"))

    class JobTimeout(Exception):
        pass

    def run_out_of_time(topic: str, payload: str) -> Any:
        raise JobTimeout

    with pytest.raises(JobTimeout):
        drain_batch(pool, {"woocommerce": run_out_of_time}, 10, "job")
    assert query(pool, "SELECT state, attempts FROM inbox") == [("pending", 0)]

    def stumble(topic: str, payload: str) -> Any:
        raise KeyError(payload)

    drain_batch(pool, {"woocommerce": stumble}, 10, "job")
    [(state, attempts, error)] = query(pool, "SELECT state, attempts, error FROM inbox")
    assert (state, attempts) == ("pending", 1)
    assert error.startswith("KeyError at stumble:")
    assert "John" not in error


def test_what_comes_to_an_order_makes_its_revision_stale(pool: Pool) -> None:
    put(pool, "order", read_payload("shopify").decode(), "shopify", "orders/create")
    drain(pool)
    assert query(pool, "SELECT revision FROM orders") == [(1,)]
    put(pool, "refund", read_payload("shopify", "refund").decode(), "shopify", "refunds/create")
    drain(pool)
    assert query(pool, "SELECT revision FROM orders") == [(2,)]
    put(pool, "again", read_payload("shopify", "refund").decode(), "shopify", "refunds/create")
    drain(pool)
    assert query(pool, "SELECT revision FROM orders") == [(2,)]


def test_a_batch_that_does_not_get_through_is_made_smaller_until_the_one_to_blame_pays(
    database_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One delivery that makes every statement time out; the job must get the others stored around it."""
    query(
        pool,
        "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.external_id = '3' THEN PERFORM pg_sleep(5); END IF; RETURN NEW; END $$;"
        " CREATE TRIGGER hang BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION hang(); SELECT 1",
    )
    for number in range(1, 10):
        put(pool, f"d-{number}", make_woo(number, 0, "processing"))
    impatient = open_pool(database_url, size=1, statement_s=0.3)
    config = Config({"PALMONAS_DRAIN_BATCH": "64"})
    use(Context(config, impatient, cast(Any, SimpleNamespace(answer_bell=lambda: None, ring=lambda: None))))
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(StoreUnavailable):
            drain_inbox()
        make_due(pool)
    drain_inbox()
    impatient.close()
    assert query(pool, "SELECT delivery_id FROM inbox WHERE state = 'quarantined'") == [("d-3",)]
    assert query(pool, "SELECT count(*) FROM orders") == [(8,)]


def test_a_topic_without_an_order_is_done_and_ignored(pool: Pool) -> None:
    put(pool, "product", '{"id": 5}', "shopify", "products/update")
    drain(pool)
    assert query(pool, "SELECT state, result, order_id FROM inbox") == [("done", "ignored", None)]


def test_random_order_random_batches_and_four_drains_at_once_converge(database_url: str, pool: Pool) -> None:
    dice = random.Random(20261122)
    statuses = ["pending", "processing", "completed", "refunded"]
    deliveries = [
        (f"{number}-{minute}", make_woo(number, minute, status))
        for number in range(40)
        for minute, status in enumerate(statuses)
    ]
    dice.shuffle(deliveries)
    drains_over = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        mine = open_pool(database_url, size=1)
        try:
            while True:
                over = drains_over.is_set()
                if not drain(mine, limit=dice.randint(1, 30)) and over:
                    return
        except BaseException as error:  # noqa: BLE001 - a thread's failure must fail the test
            failures.append(error)
        finally:
            mine.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for delivery_id, payload in deliveries:
        put(pool, delivery_id, payload)
    drains_over.set()
    for worker in workers:
        worker.join(60)
    assert not failures
    assert query(pool, "SELECT state, count(*) FROM inbox GROUP BY state") == [("done", 160)]
    assert query(pool, "SELECT status, count(*) FROM orders GROUP BY status") == [("refunded", 40)]
    assert query(pool, "SELECT count(*) FROM order_items") == [(80,)]
    assert query(pool, "SELECT count(*) FROM order_events WHERE type = 'order_created'") == [(40,)]


def test_what_another_worker_holds_is_not_abandoned(pool: Pool) -> None:
    put(pool, "d", make_woo(1, 0, "processing"))
    assert not has_abandoned(pool, age_s=60)
    time.sleep(0.2)
    assert has_abandoned(pool, age_s=0.1)
    with pool.transaction("test") as cursor:
        cursor.execute("SELECT 1 FROM inbox FOR UPDATE")
        assert not has_abandoned(pool, age_s=0.1)


def test_prune_deletes_in_batches_what_is_finished_and_old(pool: Pool) -> None:
    for number in range(7):
        put(pool, f"d-{number}", make_woo(number, 0, "processing"))
    drain(pool)
    put(pool, "pending", make_woo(50, 0, "processing"))
    query(pool, "UPDATE inbox SET received_at = now() - interval '36 days' RETURNING id")
    put(pool, "young", make_woo(51, 0, "processing"))
    assert [prune_deliveries(pool, 35, 3) for _ in range(4)] == [3, 3, 1, 0]
    assert query(pool, "SELECT delivery_id FROM inbox ORDER BY id") == [("pending",), ("young",)]
    assert query(pool, "SELECT count(*) FROM orders") == [(7,)]
