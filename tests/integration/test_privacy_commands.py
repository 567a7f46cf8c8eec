"""palmonas customer, as a person types it; no process of the service runs."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from app.store.pool import Pool
from tests.integration.test_api_commands import palmonas
from tests.privacy import (
    CANARIES,
    CUSTOMER,
    EMAIL,
    make_data_request,
    make_fulfillment,
    make_order,
    make_redact,
    quarantine,
    query,
    search_database,
    store,
)


@pytest.fixture
def stocked(pool: Pool) -> Pool:
    """Two orders of the canary customer, one of somebody else, and a refund in quarantine that names no person."""
    store(pool, "first", make_order(1))
    store(pool, "second", make_order(2, day=2, email=None, contact_email=None))
    store(pool, "other", {**make_order(3), "customer": {"id": 5, "email": "else@example.com"}, "email": None})
    quarantine(pool, "broken", {"id": 7, "order_id": 1, "refund_line_items": [], "note": "canaryreason 7",
                                         "transactions": "broken"}, "refunds/create")  # fmt: skip
    return pool


def test_an_export_has_everything_and_is_for_its_owner_alone(stocked: Pool, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "person.json"
    arguments = ("customer", "export", "shopify", "--id", str(CUSTOMER), "--output", str(path))
    ran = palmonas(database_url, *arguments)
    assert ran.returncode == 0, ran.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [order["external_id"] for order in document["orders"]] == ["1", "2"]
    order = document["orders"][0]
    assert (order["customer_email"], order["total"], order["note"]) == (EMAIL, "409.94", "canarynote")
    assert order["billing_address"]["line1"] == "canarystreet 1"
    assert [one["tracking_numbers"] for one in order["fulfillments"]] == [["canarytrack"]]
    assert [one["reason"] for one in order["refunds"]] == ["canaryreason"]
    assert order["items"][0]["unit_price"] == "199.00"
    assert order["events"][0]["type"] == "order_created"
    assert json.loads(order["deliveries"][0]["payload"])["browser_ip"] == "canaryname"
    assert [json.loads(one["payload"])["note"] for one in document["other_deliveries"]] == ["canaryreason 7"]
    said = (ran.stdout + ran.stderr).lower()
    assert "personal_data_exported" in said
    assert not [word for word in CANARIES if word in said]
    assert query(stocked, "SELECT kind, state, subject FROM privacy_requests") == [("export", "done", None)]
    again = palmonas(database_url, *arguments)
    assert (again.returncode, again.stdout) == (1, "")
    assert "name a file that is not there yet" in again.stderr
    assert json.loads(palmonas(database_url, *arguments[:3], "--email", EMAIL.upper()).stdout)["orders"]


def test_nobody_is_told_by_the_exit_code(database_url: str) -> None:
    ran = palmonas(database_url, "customer", "export", "shopify", "--email", "nobody@example.com")
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == "Error: nothing is held about this person\n"


def test_erasure_asks_first_and_says_what_it_did(stocked: Pool, database_url: str) -> None:
    arguments = ("customer", "erase", "shopify", "--id", str(CUSTOMER))
    asked = palmonas(database_url, *arguments)
    assert asked.returncode == 1
    assert asked.stdout.startswith("2 orders with their raw payloads, and 1 other raw payloads would be erased")
    assert "add --yes" in asked.stderr
    assert len(search_database(stocked)) > 10
    done = palmonas(database_url, *arguments, "--yes")
    assert done.returncode == 0, done.stderr
    assert "2 orders, 3 raw payloads erased" in done.stdout
    assert not [word for word in CANARIES if word in (done.stdout + done.stderr).lower()]
    query(stocked, "DELETE FROM orders WHERE external_id = '3' RETURNING id")
    query(stocked, "DELETE FROM inbox WHERE delivery_id = 'other' RETURNING id")
    assert search_database(stocked) == set()
    store(stocked, "again", make_order(1, 10))
    store(stocked, "ship", make_fulfillment(2) | {"id": 99}, "fulfillments/create")
    assert search_database(stocked) == set()


def test_a_data_request_is_listed_exported_and_answered(stocked: Pool, database_url: str) -> None:
    store(stocked, "ask", make_data_request(1), "customers/data_request")
    [(number, state, days)] = query(
        stocked, "SELECT id, state, extract(day FROM due_at - received_at)::int FROM privacy_requests"
    )
    assert (state, days) == ("open", 30)
    assert "data_request     open  due" in palmonas(database_url, "customer", "requests").stdout
    exported = palmonas(database_url, "customer", "export", "shopify", "--request", str(number))
    assert [order["external_id"] for order in json.loads(exported.stdout)["orders"]] == ["1", "2"]
    assert palmonas(database_url, "customer", "answer", str(number)).returncode == 0
    assert query(stocked, "SELECT state, subject FROM privacy_requests WHERE kind = 'data_request'") == [("done", None)]
    assert query(stocked, "SELECT count(*) FROM orders WHERE erased_at IS NOT NULL") == [(0,)]
    twice = palmonas(database_url, "customer", "answer", str(number))
    assert (twice.returncode, twice.stderr.count("\n")) == (1, 1)


def test_a_held_request_is_dismissed(stocked: Pool, database_url: str) -> None:
    store(stocked, "redact", {"shop_id": 1, "shop_domain": "a.example"}, "shop/redact")
    store(stocked, "replayed", {"shop_id": 1, "shop_domain": "a.example"}, "shop/redact")
    [(held,)] = query(stocked, "SELECT id FROM privacy_requests WHERE state = 'held'")
    assert palmonas(database_url, "customer", "dismiss", str(held)).returncode == 0
    assert query(stocked, "SELECT state FROM privacy_requests ORDER BY id") == [("open",), ("done",)]
    assert palmonas(database_url, "customer", "dismiss", str(held)).returncode == 1


def test_a_held_request_is_confirmed(stocked: Pool, database_url: str) -> None:
    store(stocked, "redact", make_redact(1), "customers/redact")
    store(stocked, "replayed", make_redact(1), "customers/redact")
    [(held,)] = query(stocked, "SELECT id FROM privacy_requests WHERE state = 'held'")
    assert palmonas(database_url, "customer", "confirm", str(held)).returncode == 0
    assert query(stocked, "SELECT DISTINCT state FROM privacy_requests") == [("open",)]


@pytest.mark.parametrize(
    "arguments",
    [("export", "shopify"), ("export", "ebay", "--id", "1"), ("export", "shopify", "--id", "1", "--email", "a@b.c"),
     ("export", "shopify", "--request", "7"), ("export", "shopify", "--request", "7", "--id", "1"),
     ("erase", "shopify", "--yes"), ("erase", "shopify", "--id", "", "--yes"), ("answer", "7"), ("confirm", "7"),
     ("answer", "x")],
)  # fmt: skip
def test_bad_input_is_told_and_nothing_is_done(database_url: str, pool: Pool, arguments: tuple[str, ...]) -> None:
    ran = palmonas(database_url, "customer", *arguments)
    assert ran.returncode in (1, 2)
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert query(pool, "SELECT count(*) FROM privacy_requests") == [(0,)]


def test_prune_takes_raw_payloads_and_leaves_quarantine_unless_told(pool: Pool, database_url: str) -> None:
    store(pool, "done", make_order(1))
    for name in ("set-aside", "discarded"):
        quarantine(pool, name, make_order(2, total_price="broken"))
    query(pool, "UPDATE inbox SET state = 'discarded' WHERE delivery_id = 'discarded' RETURNING id")
    query(pool, "UPDATE inbox SET received_at = now() - interval '36 days' RETURNING id")
    store(pool, "young", make_order(3))
    pruned = palmonas(database_url, "prune")
    assert pruned.stdout == "deleted 2 deliveries older than 35 days\n"
    assert pruned.stderr.startswith("1 more are in quarantine with their raw payloads")
    assert query(pool, "SELECT delivery_id FROM inbox ORDER BY id") == [("set-aside",), ("young",)]
    assert palmonas(database_url, "prune", "--quarantined").stdout == "deleted 1 deliveries older than 35 days\n"
    assert query(pool, "SELECT delivery_id FROM inbox") == [("young",)]
