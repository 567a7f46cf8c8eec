"""WooCommerce's API as the simulator speaks it."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest

from app.channels import CHANNELS
from tests.simulation import CREDENTIALS, WOOCOMMERCE, Laboratory

ORDERS = "/wp-json/wc/v3/orders"
LIST = {"orderby": "modified", "order": "asc", "dates_are_gmt": "true"}


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory()


def get(laboratory: Laboratory, **query: Any) -> Any:
    return laboratory.client.get(ORDERS, query_string={**LIST, **query}, headers=WOOCOMMERCE)


def write(time: Any) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S")  # type: ignore[no-any-return]  # a datetime's strftime is a text


def test_who_shows_no_key_or_a_wrong_secret_is_refused_in_wordpress_words(laboratory: Laboratory) -> None:
    answer = laboratory.client.get(ORDERS)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "woocommerce_rest_cannot_view")
    wrong = b64encode(f"{CREDENTIALS.woocommerce_api_key}:wrong".encode()).decode()
    answer = laboratory.client.get(ORDERS, headers={"Authorization": f"Basic {wrong}"})
    assert answer.status_code == 401
    assert answer.get_json() == {
        "code": "woocommerce_rest_authentication_error",
        "message": "Consumer secret is invalid.",
        "data": {"status": 401},
    }


def test_pages_and_their_totals(laboratory: Laboratory) -> None:
    orders = laboratory.make("woocommerce", 5)
    pages = [get(laboratory, page=number, per_page=2) for number in (1, 2, 3, 4)]
    assert [one["id"] for page in pages for one in page.get_json()] == [order.id for order in orders]
    assert {(page.headers["X-WP-Total"], page.headers["X-WP-TotalPages"]) for page in pages} == {("5", "3")}
    for wrong in ({"per_page": 101}, {"page": 0}, {"page": "x"}, {"modified_after": "x"}):
        answer = get(laboratory, **wrong)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "rest_invalid_param")


def test_the_window_is_open_at_both_ends_and_in_utc_only_when_said_so(laboratory: Laboratory) -> None:
    orders = laboratory.make("woocommerce", 5)
    window = {"modified_after": write(orders[1].updated_at), "modified_before": write(orders[4].updated_at)}
    assert [one["id"] for one in get(laboratory, **window).get_json()] == [orders[2].id, orders[3].id]
    # In the shop's zone, three hours west, the same digits are three hours later: nothing is so new.
    assert get(laboratory, **window, dates_are_gmt="false").get_json() == []


def test_what_is_listed_is_what_the_oracle_says(laboratory: Laboratory) -> None:
    for order in laboratory.make("woocommerce", 40):
        laboratory.finish(order)
    truth = {one["external_id"]: one for one in laboratory.ask_oracle()["orders"]}
    listed = get(laboratory, per_page=100).get_json()
    assert len(listed) == len(truth) == 40
    for document in listed:
        parsed = CHANNELS["woocommerce"].parse("order.updated", orjson.dumps(document).decode())
        assert parsed.order is not None
        expected = truth[parsed.order.external_id]
        assert parsed.order.channel_status == expected["channel_status"]
        assert parsed.order.version.isoformat() == expected["version"]
        assert str(parsed.order.total) == expected["total"]


def test_an_order_is_completed_once(laboratory: Laboratory) -> None:
    order = laboratory.make("woocommerce", 1)[0]
    before = order.updated_at
    for _ in range(3):
        body = {"status": "completed", "meta_data": [{"key": "_push", "value": "k-1"}]}
        answer = laboratory.client.put(f"{ORDERS}/{order.id}", json=body, headers=WOOCOMMERCE)
        assert (answer.status_code, answer.get_json()["status"]) == (200, "completed")
        assert answer.get_json()["meta_data"] == [{"id": 0, "key": "_push", "value": "k-1"}]
    assert order.changes == 2
    assert order.updated_at > before
    push = laboratory.ask_oracle()["pushes"][0]
    assert (push["received"], push["applied"], push["order_external_id"]) == (3, 1, order.external_id)
    assert [topic for _, topic, _ in laboratory.sent] == ["order.created", "order.updated"]


def test_updates_that_do_not_fit(laboratory: Laboratory) -> None:
    order = laboratory.make("woocommerce", 1)[0]
    answer = laboratory.client.put(f"{ORDERS}/{order.id}", json={"status": "shipped"}, headers=WOOCOMMERCE)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "rest_invalid_param")
    answer = laboratory.client.put(f"{ORDERS}/1", json={"status": "completed"}, headers=WOOCOMMERCE)
    assert answer.get_json()["code"] == "woocommerce_rest_shop_order_invalid_id"
    assert laboratory.client.get(f"{ORDERS}/1", headers=WOOCOMMERCE).status_code == 404
