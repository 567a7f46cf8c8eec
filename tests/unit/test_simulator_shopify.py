"""Shopify's API as the simulator speaks it."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from app.channels import CHANNELS
from tests.simulation import SHOPIFY, Laboratory

API = "/admin/api/2024-10"
LIST = {"status": "any", "order": "updated_at asc"}


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory()


def read_pages(laboratory: Laboratory, **query: Any) -> list[list[dict[str, Any]]]:
    """All pages, by the Link header."""
    pages = []
    address: str | None = f"{API}/orders.json"
    while address is not None:
        answer = laboratory.client.get(address, query_string=query or None, headers=SHOPIFY)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        pages.append(answer.get_json()["orders"])
        found = re.fullmatch(r'<http://localhost(.*)>; rel="next"', answer.headers.get("Link", ""))
        address, query = (found[1] if found else None), {}
    return pages


def fulfill(laboratory: Laboratory, order_id: int, **tracking: str) -> Any:
    task = laboratory.client.get(f"{API}/orders/{order_id}/fulfillment_orders.json", headers=SHOPIFY).get_json()
    wish = {
        "line_items_by_fulfillment_order": [{"fulfillment_order_id": task["fulfillment_orders"][0]["id"]}],
        "tracking_info": tracking,
    }
    return laboratory.client.post(f"{API}/fulfillments.json", json={"fulfillment": wish}, headers=SHOPIFY)


def test_who_shows_no_token_is_refused_in_shopifys_words(laboratory: Laboratory) -> None:
    for headers in ({}, {"X-Shopify-Access-Token": "wrong"}):
        answer = laboratory.client.get(f"{API}/orders.json", headers=headers)
        assert answer.status_code == 401
        assert answer.get_json()["errors"].startswith("[API] Invalid API key or access token")
    assert laboratory.client.get("/admin/api/2024-02/orders.json", headers=SHOPIFY).status_code == 404


def test_pages_list_every_order_once_oldest_change_first(laboratory: Laboratory) -> None:
    orders = laboratory.make("shopify", 7, seconds=0)  # equal times: the cursor must not stumble over them
    pages = read_pages(laboratory, **LIST, limit=3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [document["id"] for page in pages for document in page] == [order.id for order in orders]
    backwards = read_pages(laboratory, status="any", limit=2)
    assert [document["id"] for page in backwards for document in page] == [order.id for order in orders[::-1]]


def test_an_order_that_changes_while_pages_are_read_is_on_a_later_page(laboratory: Laboratory) -> None:
    orders = laboratory.make("shopify", 4)
    first = laboratory.client.get(f"{API}/orders.json", query_string={**LIST, "limit": 2}, headers=SHOPIFY)
    laboratory.simulation.world.set_status(orders[0], "paid")
    address = re.sub(r"^<http://localhost|>.*$", "", first.headers["Link"])
    second = laboratory.client.get(address, headers=SHOPIFY).get_json()["orders"]
    assert [document["id"] for document in second] == [orders[2].id, orders[3].id]
    third = read_pages(laboratory, **LIST)[0][-1]
    assert third["id"] == orders[0].id
    assert third["financial_status"] == "paid"


def test_the_window_holds_both_its_ends(laboratory: Laboratory) -> None:
    orders = laboratory.make("shopify", 5)
    window = {"updated_at_min": orders[1].updated_at.isoformat(), "updated_at_max": orders[3].updated_at.isoformat()}
    assert [one["id"] for one in read_pages(laboratory, **LIST, **window)[0]] == [order.id for order in orders[1:4]]
    answer = laboratory.client.get(f"{API}/orders.json?updated_at_min=yesterday", headers=SHOPIFY)
    assert answer.status_code == 400


def test_without_status_any_the_cancelled_are_missing(laboratory: Laboratory) -> None:
    orders = laboratory.make("shopify", 2)
    laboratory.simulation.world.cancel_order(orders[0])
    assert [one["id"] for one in read_pages(laboratory)[0]] == [orders[1].id]
    assert len(read_pages(laboratory, status="any")[0]) == 2


def test_a_cursor_comes_alone_and_whole(laboratory: Laboratory) -> None:
    answer = laboratory.client.get(f"{API}/orders.json?page_info=nonsense", headers=SHOPIFY)
    assert (answer.status_code, answer.get_json()) == (400, {"errors": {"page_info": "Invalid value."}})
    answer = laboratory.client.get(f"{API}/orders.json?page_info=x&status=any", headers=SHOPIFY)
    assert answer.status_code == 400
    assert "status" in answer.get_json()["errors"]


def test_what_is_listed_is_what_the_oracle_says(laboratory: Laboratory) -> None:
    for order in laboratory.make("shopify", 40):
        laboratory.finish(order)
    truth = {one["external_id"]: one for one in laboratory.ask_oracle()["orders"]}
    listed = [document for page in read_pages(laboratory, **LIST) for document in page]
    assert len(listed) == len(truth) == 40
    for document in listed:
        parsed = CHANNELS["shopify"].parse("orders/updated", orjson.dumps(document).decode())
        assert parsed.order is not None
        expected = truth[parsed.order.external_id]
        assert parsed.order.channel_status == expected["channel_status"]
        assert parsed.order.version.isoformat() == expected["version"]
        assert (len(parsed.fulfillments), len(parsed.refunds)) == (expected["fulfillments"], expected["refunds"])


def test_the_bucket_overflows_at_forty_and_says_when_to_come_again(laboratory: Laboratory) -> None:
    laboratory.simulation.set_speed(0.001)
    address = f"{API}/orders.json"
    limits = [laboratory.client.get(address, headers=SHOPIFY) for _ in range(40)]
    assert {answer.status_code for answer in limits} == {200}
    assert limits[0].headers["X-Shopify-Shop-Api-Call-Limit"] == "1/40"
    refused = laboratory.client.get(address, headers=SHOPIFY)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2.0")
    laboratory.control("limits", factor=1000)
    assert laboratory.client.get(address, headers=SHOPIFY).status_code == 200


def test_an_order_is_fulfilled_once(laboratory: Laboratory) -> None:
    order = laboratory.make("shopify", 1)[0]
    done = fulfill(laboratory, order.id, number="T1", company="DHL")
    assert done.status_code == 201
    assert done.get_json()["fulfillment"]["tracking_number"] == "T1"
    again = fulfill(laboratory, order.id, number="T1")
    assert again.status_code == 422
    assert "unfulfillable status= closed" in again.get_json()["errors"][0]
    listed = laboratory.client.get(f"{API}/orders/{order.id}/fulfillments.json", headers=SHOPIFY).get_json()
    assert [one["tracking_number"] for one in listed["fulfillments"]] == ["T1"]
    topics = [topic for _, topic, _ in laboratory.sent]
    assert topics == ["orders/create", "fulfillments/create", "orders/fulfilled"]
    push = laboratory.ask_oracle()["pushes"][0]
    assert (push["idempotency_key"], push["received"], push["applied"]) == (f"fulfill:{order.id}:T1", 2, 1)


def test_a_part_of_an_order_is_fulfilled(laboratory: Laboratory) -> None:
    order = next(order for order in laboratory.make("shopify", 20) if order.lines[0].quantity == 3)
    task_id = order.id * 100 + 90
    lines = [{"id": order.lines[0].id * 10, "quantity": 2}]
    wish = {
        "line_items_by_fulfillment_order": [{"fulfillment_order_id": task_id, "fulfillment_order_line_items": lines}]
    }
    answer = laboratory.client.post(f"{API}/fulfillments.json", json={"fulfillment": wish}, headers=SHOPIFY)
    assert answer.status_code == 201
    task = laboratory.client.get(f"{API}/orders/{order.id}/fulfillment_orders.json", headers=SHOPIFY).get_json()
    assert task["fulfillment_orders"][0]["status"] == "in_progress"
    assert task["fulfillment_orders"][0]["line_items"][0]["fulfillable_quantity"] == 1
    again = laboratory.client.post(f"{API}/fulfillments.json", json={"fulfillment": wish}, headers=SHOPIFY)
    assert again.status_code == 422


def test_an_order_is_cancelled_once(laboratory: Laboratory) -> None:
    order = laboratory.make("shopify", 1)[0]
    address = f"{API}/orders/{order.id}/cancel.json"
    assert laboratory.client.post(address, json={}, headers=SHOPIFY).get_json()["order"]["cancelled_at"]
    assert laboratory.client.post(address, json={}, headers=SHOPIFY).status_code == 422
    assert fulfill(laboratory, order.id).status_code == 422
    assert laboratory.client.post(f"{API}/orders/1/cancel.json", json={}, headers=SHOPIFY).status_code == 404
    for body in ({}, {"fulfillment": {"line_items_by_fulfillment_order": []}}):
        assert laboratory.client.post(f"{API}/fulfillments.json", json=body, headers=SHOPIFY).status_code == 400
