"""Amazon's API as the simulator speaks it: token exchange, pages, items, limits, shipment confirmation."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from simulator.catalogue import Order
from tests.simulation import GRANT, START, Laboratory

ORDERS = "/orders/v0/orders"
MARKETPLACE = {"MarketplaceIds": "ATVPDKIKX0DER"}
SINCE = {**MARKETPLACE, "LastUpdatedAfter": "2026-11-20T11:00:00Z"}


@pytest.fixture
def laboratory() -> Laboratory:
    laboratory = Laboratory()
    laboratory.simulation.set_speed(1_000_000)
    return laboratory


def get(laboratory: Laboratory, path: str = ORDERS, **query: Any) -> Any:
    return laboratory.client.get(path, query_string=query, headers=laboratory.fetch_token())


def read_items(laboratory: Laboratory, order_id: str) -> list[dict[str, Any]]:
    items, query = [], {}
    while True:
        payload = get(laboratory, f"{ORDERS}/{order_id}/orderItems", **query).get_json()["payload"]
        items += payload["OrderItems"]
        if "NextToken" not in payload:
            return items
        query = {"NextToken": payload["NextToken"]}


def confirm(laboratory: Laboratory, order: Order, reference: str = "1", lines: dict[int, int] | None = None) -> Any:
    wanted = order.list_unshipped() if lines is None else lines
    package = {
        "packageReferenceId": reference,
        "carrierCode": "UPS",
        "trackingNumber": "1Z999",
        "shipDate": "2026-11-20T12:00:00Z",
        "orderItems": [{"orderItemId": str(line), "quantity": quantity} for line, quantity in wanted.items()],
    }
    return laboratory.client.post(
        f"{ORDERS}/{order.external_id}/shipmentConfirmation",
        json={"packageDetail": package, "marketplaceId": "ATVPDKIKX0DER"},
        headers=laboratory.fetch_token(),
    )


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_id": "x"}, 401, "invalid_client"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"refresh_token": "x"}, 400, "invalid_grant"),
    ],
)
def test_a_token_is_given_for_the_right_refresh_token_only(
    laboratory: Laboratory, change: dict[str, str], status: int, error: str
) -> None:
    answer = laboratory.client.post("/auth/o2/token", data=GRANT).get_json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    refused = laboratory.client.post("/auth/o2/token", data={**GRANT, **change})
    assert (refused.status_code, refused.get_json()["error"]) == (status, error)


def test_without_a_living_token_the_answer_is_403_and_says_why(laboratory: Laboratory) -> None:
    token = laboratory.fetch_token()
    assert laboratory.client.get(ORDERS, query_string=SINCE, headers=token).status_code == 200
    laboratory.control("tokens/expire")
    for headers, fault in ((token, "has expired"), ({"x-amz-access-token": "x"}, "malformed or invalid")):
        answer = laboratory.client.get(ORDERS, query_string=SINCE, headers=headers)
        error = answer.get_json()["errors"][0]
        assert (answer.status_code, error["code"]) == (403, "Unauthorized")
        assert fault in error["details"]
    answer = laboratory.client.get(ORDERS, query_string=SINCE)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (403, "MissingAuthenticationToken")


def test_pages_list_every_order_once_oldest_update_first(laboratory: Laboratory) -> None:
    orders = laboratory.make("amazon", 7, seconds=0)
    listed: list[str] = []
    query: dict[str, Any] = {**SINCE, "MaxResultsPerPage": 3}
    while True:
        payload = get(laboratory, **query).get_json()["payload"]
        listed += [one["AmazonOrderId"] for one in payload["Orders"]]
        if "NextToken" not in payload:
            break
        query = {**MARKETPLACE, "MaxResultsPerPage": 3, "NextToken": payload["NextToken"]}
    assert listed == [order.external_id for order in orders]


@pytest.mark.parametrize(
    "query",
    [
        {"LastUpdatedAfter": "2026-11-20T11:00:00Z"},
        MARKETPLACE,
        {**MARKETPLACE, "LastUpdatedAfter": "soon"},
        {**MARKETPLACE, "LastUpdatedAfter": "2026-11-21T11:00:00Z"},
        {**SINCE, "LastUpdatedBefore": "2026-11-20T12:00:01Z"},
        {**SINCE, "MaxResultsPerPage": 101},
        {**MARKETPLACE, "NextToken": "nonsense"},
    ],
)
def test_queries_that_do_not_fit(laboratory: Laboratory, query: dict[str, Any]) -> None:
    answer = get(laboratory, **query)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (400, "InvalidInput")


def test_the_window_and_what_amazon_holds_back(laboratory: Laboratory) -> None:
    orders = laboratory.make("amazon", 4, seconds=60)
    window = {**MARKETPLACE, "LastUpdatedAfter": orders[1].updated_at.isoformat()}
    before = {**window, "LastUpdatedBefore": orders[2].updated_at.isoformat()}
    listed = get(laboratory, **before).get_json()["payload"]["Orders"]
    assert [one["AmazonOrderId"] for one in listed] == [order.external_id for order in orders[1:3]]
    laboratory.simulation.amazon_lag_s = 120
    payload = get(laboratory, **window).get_json()["payload"]
    assert payload["LastUpdatedBefore"] == (START + timedelta(seconds=120)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [one["AmazonOrderId"] for one in payload["Orders"]] == [order.external_id for order in orders[1:3]]


def test_items_come_in_pages_and_add_up_to_the_total(laboratory: Laboratory) -> None:
    for order in laboratory.make("amazon", 20):
        laboratory.finish(order)
        items = read_items(laboratory, order.external_id)
        assert [item["OrderItemId"] for item in items] == [str(line.id) for line in order.lines]
        document = get(laboratory, f"{ORDERS}/{order.external_id}").get_json()["payload"]
        truth = next(one for one in laboratory.ask_oracle()["orders"] if one["external_id"] == order.external_id)
        if truth["total"] is None:  # cancelled while pending: Amazon never told a price
            assert document["OrderStatus"] == "Canceled"
            assert not {"OrderTotal", "BuyerInfo"} & document.keys()
            assert "ItemPrice" not in items[0]
            continue
        parts = [Decimal(item[name]["Amount"]) for item in items for name in ("ItemPrice", "ItemTax", "ShippingPrice")]
        less = sum(Decimal(item["PromotionDiscount"]["Amount"]) for item in items)
        assert sum(parts) - less == Decimal(document["OrderTotal"]["Amount"]) == Decimal(truth["total"])
        assert document["NumberOfItemsShipped"] == sum(item["QuantityShipped"] for item in items)
    wrong = get(laboratory, f"{ORDERS}/{order.external_id}/orderItems", NextToken="items-99")
    assert wrong.status_code == 400


def test_the_usage_plan_is_told_and_kept(laboratory: Laboratory) -> None:
    laboratory.simulation.set_speed(1)
    answers = [get(laboratory, **SINCE) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[0].headers["x-amzn-RateLimit-Limit"] == "0.0167"
    assert answers[-1].get_json()["errors"][0]["code"] == "QuotaExceeded"
    assert "Retry-After" not in answers[-1].headers
    order = laboratory.make("amazon", 1)[0]
    items = get(laboratory, f"{ORDERS}/{order.external_id}/orderItems")
    assert (items.status_code, items.headers["x-amzn-RateLimit-Limit"]) == (200, "0.5")


def test_a_package_is_confirmed_once_and_another_one_beside_it(laboratory: Laboratory) -> None:
    order = next(one for one in laboratory.make("amazon", 30) if one.status == "paid" and len(one.lines) > 1)
    first = {order.lines[0].id: order.lines[0].quantity}
    assert [confirm(laboratory, order, "1", first).status_code for _ in range(2)] == [204, 204]
    assert order.status == "partially_fulfilled"
    assert confirm(laboratory, order, "2").status_code == 204
    document = get(laboratory, f"{ORDERS}/{order.external_id}").get_json()["payload"]
    assert (document["OrderStatus"], document["NumberOfItemsUnshipped"]) == ("Shipped", 0)
    pushes = laboratory.ask_oracle()["pushes"]
    assert [(push["received"], push["applied"]) for push in pushes] == [(2, 1), (1, 1)]


def test_what_cannot_be_shipped_is_refused(laboratory: Laboratory) -> None:
    orders = laboratory.make("amazon", 30)
    pending = next(one for one in orders if one.status == "pending")
    assert confirm(laboratory, pending).status_code == 400
    paid = next(one for one in orders if one.status == "paid")
    assert confirm(laboratory, paid, lines={paid.lines[0].id: 99}).status_code == 400
    laboratory.simulation.world.cancel_order(paid)
    assert confirm(laboratory, paid).status_code == 400
    address = f"{ORDERS}/{paid.external_id}/shipmentConfirmation"
    answer = laboratory.client.post(address, json={"packageDetail": {}}, headers=laboratory.fetch_token())
    assert answer.status_code == 400
    assert {push["applied"] for push in laboratory.ask_oracle()["pushes"]} == {0}
