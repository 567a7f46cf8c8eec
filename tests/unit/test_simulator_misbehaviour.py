"""Misbehaviour on command, and the control API that commands it."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from simulator.catalogue import CHANNEL_NAMES
from simulator.limits import Bucket
from simulator.misbehaviour import Misbehaviour
from tests.simulation import CONTROL, CREDENTIALS, SHOPIFY, START, WOOCOMMERCE, Laboratory

SHOPIFY_LIST = "/admin/api/2024-10/orders.json?status=any&order=updated_at+asc&limit=2"
WOOCOMMERCE_LIST = "/wp-json/wc/v3/orders?orderby=modified&order=asc&per_page=2"
AMAZON_LIST = "/orders/v0/orders?MarketplaceIds=A&LastUpdatedAfter=2026-11-20T11:00:00Z&MaxResultsPerPage=2"


@pytest.fixture
def laboratory() -> Laboratory:
    laboratory = Laboratory()
    for name in CHANNEL_NAMES:
        laboratory.make(name, 5)
    return laboratory


def get_lists(laboratory: Laboratory) -> list[Any]:
    """The first page of each API that has one."""
    client = laboratory.client
    return [
        client.get(SHOPIFY_LIST, headers=SHOPIFY),
        client.get(WOOCOMMERCE_LIST, headers=WOOCOMMERCE),
        client.get(AMAZON_LIST, headers=laboratory.fetch_token()),
    ]


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_each_api_fails_in_its_own_words_so_often_as_told(laboratory: Laboratory, status: int) -> None:
    laboratory.control("misbehave", channel="*", operation="list_orders", kind=str(status), count=3, seconds=7)
    shopify, woocommerce, amazon = get_lists(laboratory)
    assert {answer.status_code for answer in (shopify, woocommerce, amazon)} == {status}
    assert amazon.get_json()["errors"][0]["code"]
    assert "errors" in shopify.get_json()
    if status == 429:
        assert (shopify.headers["Retry-After"], woocommerce.headers["Retry-After"]) == ("7.0", "7")
    else:
        assert woocommerce.get_json()["data"]["status"] == status
    assert {answer.status_code for answer in get_lists(laboratory)} == {200}


def test_a_rule_concerns_its_channel_and_its_operation_alone(laboratory: Laboratory) -> None:
    laboratory.control("misbehave", channel="shopify", operation="cancel", kind="500")
    laboratory.control("misbehave", channel="amazon", operation="token", kind="500", count=1)
    assert laboratory.client.get(SHOPIFY_LIST, headers=SHOPIFY).status_code == 200
    assert laboratory.client.get(WOOCOMMERCE_LIST, headers=WOOCOMMERCE).status_code == 200
    assert laboratory.client.post("/auth/o2/token").status_code == 500
    answer = laboratory.client.post("/admin/api/2024-10/orders/1/cancel.json", headers=SHOPIFY)
    assert answer.status_code == 500


def test_an_answer_is_lost_after_the_deed(laboratory: Laboratory) -> None:
    laboratory.control("misbehave", channel="woocommerce", operation="update", kind="lost_answer", count=1)
    order = next(iter(laboratory.simulation.world.list_orders("woocommerce")))
    address = f"/wp-json/wc/v3/orders/{order.id}"
    assert laboratory.client.put(address, json={"status": "completed"}, headers=WOOCOMMERCE).status_code == 500
    assert order.status == "fulfilled"
    assert laboratory.client.put(address, json={"status": "completed"}, headers=WOOCOMMERCE).status_code == 200
    push = laboratory.ask_oracle()["pushes"][0]
    assert (push["received"], push["applied"]) == (2, 1)


def test_a_truncated_body_is_shorter_than_it_says(laboratory: Laboratory) -> None:
    laboratory.control("misbehave", channel="shopify", kind="truncated_body", count=1)
    answer = laboratory.client.get(SHOPIFY_LIST, headers=SHOPIFY, buffered=True)
    assert len(answer.get_data()) == int(answer.headers["Content-Length"]) // 2


def test_a_slow_body_drips_and_a_hang_hangs(laboratory: Laboratory) -> None:
    for kind in ("slow_body", "hang"):
        laboratory.control("misbehave", channel="shopify", kind=kind, count=1, seconds=0.3)
        started = time.monotonic()
        answer = laboratory.client.get(SHOPIFY_LIST, headers=SHOPIFY, buffered=True)
        assert time.monotonic() - started >= 0.3
        assert len(answer.get_json()["orders"]) == 2


def test_a_repeated_cursor_leads_to_the_same_page_for_ever(laboratory: Laboratory) -> None:
    laboratory.control("misbehave", channel="*", operation="list_orders", kind="repeated_cursor")
    token = laboratory.fetch_token()
    address, tokens = SHOPIFY_LIST, set()
    seen = []
    for _ in range(3):
        answer = laboratory.client.get(address, headers=SHOPIFY)
        seen.append([one["id"] for one in answer.get_json()["orders"]])
        address = answer.headers["Link"].partition(">")[0].removeprefix("<http://localhost")
    assert seen[1] == seen[0] == seen[2]
    query = AMAZON_LIST
    for _ in range(3):
        payload = laboratory.client.get(query, headers=token).get_json()["payload"]
        tokens.add(payload["NextToken"])
        query = f"/orders/v0/orders?MarketplaceIds=A&MaxResultsPerPage=2&NextToken={payload['NextToken']}"
    assert len(tokens) == 1
    pages = [laboratory.client.get(f"{WOOCOMMERCE_LIST}&page={page}", headers=WOOCOMMERCE) for page in (1, 2)]
    assert pages[0].get_json() == pages[1].get_json()
    assert pages[1].headers["X-WP-TotalPages"] == "3"


def test_duplicates_and_disorder_within_a_page(laboratory: Laboratory) -> None:
    laboratory.control("misbehave", channel="*", operation="list_orders", kind="duplicate", count=3)
    shopify, woocommerce, amazon = get_lists(laboratory)
    for page in (shopify.get_json()["orders"], woocommerce.get_json(), amazon.get_json()["payload"]["Orders"]):
        assert page[2] == page[0]
    laboratory.control("misbehave", channel="woocommerce", operation="list_orders", kind="reorder")
    whole = [laboratory.client.get(WOOCOMMERCE_LIST.replace("=2", "=5"), headers=WOOCOMMERCE) for _ in range(5)]
    orders = [[one["id"] for one in page.get_json()] for page in whole]
    assert len({tuple(sorted(order)) for order in orders}) == 1
    assert any(order != sorted(order) for order in orders)


def test_a_clock_that_is_off_shows_in_the_date_and_is_put_right(laboratory: Laboratory) -> None:
    laboratory.now = START
    rule = laboratory.control("misbehave", channel="shopify", kind="clock_off")
    assert rule["seconds"] == 600
    assert laboratory.client.get(SHOPIFY_LIST, headers=SHOPIFY).headers["Date"] == "Fri, 20 Nov 2026 12:10:00 GMT"
    laboratory.client.delete(f"/control/misbehave/{rule['id']}", headers=CONTROL)
    assert laboratory.client.get(SHOPIFY_LIST, headers=SHOPIFY).headers["Date"] == "Fri, 20 Nov 2026 12:00:00 GMT"


def test_the_dice_are_seeded() -> None:
    def roll(seed: int) -> list[bool]:
        rules = Misbehaviour(seed)
        rules.add("shopify", "500", rate=0.2)
        return [rules.pick("shopify", "list_orders", frozenset({"500"})) is not None for _ in range(1000)]

    assert roll(1) == roll(1) != roll(2)
    assert 150 < sum(roll(1)) < 250


def test_a_bucket_lets_through_what_flows_out() -> None:
    now = [0.0]
    bucket = Bucket(2, 1.0, lambda: now[0])
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] = 1.0
    assert [bucket.take() for _ in range(2)] == [True, False]
    bucket.speed = 10.0
    now[0] = 1.5
    assert [bucket.take() for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("orders", {"channel": "ebay"}, "channel must be one of"),
        ("orders", {"channel": "shopify", "count": 0}, "count must be a whole number"),
        ("orders/advance", {"external_ids": "x"}, "external_ids must be a list"),
        ("misbehave", {"channel": "shopify", "kind": "explode"}, "kind must be one of"),
        ("misbehave", {"channel": "shopify", "operation": "token", "kind": "500"}, "operation must be one of"),
        ("misbehave", {"channel": "shopify", "kind": "500", "rate": 2}, "rate must be a number between 0 and 1"),
        ("misbehave", {"channel": "shopify", "kind": "hang", "seconds": -1}, "seconds must be a number"),
        ("misbehave", {"channel": "shopify", "kind": "clock_off", "rate": 0.5}, "leave out operation, rate and count"),
        ("limits", {"factor": 0}, "factor must be a number"),
        ("webhooks/resend", {"channel": "shopify"}, "channel must be one of"),
        ("reset", {"seed": "x"}, "seed must be a whole number"),
    ],
)
def test_commands_that_do_not_fit_are_told_what_would(
    laboratory: Laboratory, path: str, body: dict[str, Any], word: str
) -> None:
    answer = laboratory.client.post(f"/control/{path}", json=body, headers=CONTROL)
    assert answer.status_code == 400
    assert word in answer.get_json()["error"]


def test_every_control_route_needs_the_token(laboratory: Laboratory) -> None:
    routes = [rule for rule in laboratory.client.application.url_map.iter_rules() if rule.rule.startswith("/control/")]
    assert len(routes) >= 10
    for rule in routes:
        method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        path = rule.rule.replace("<int:rule_id>", "1")
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert laboratory.client.open(path, method=method, headers=headers).status_code == 401


def test_its_health_needs_no_token_and_never_misbehaves(laboratory: Laboratory) -> None:
    laboratory.control("misbehave", channel="*", kind="500")
    assert laboratory.client.get("/healthz").status_code == 200


def test_orders_are_made_advanced_and_forgotten(laboratory: Laboratory) -> None:
    made = laboratory.control("orders", channel="shopify", count=30, steps=2)["made"]
    assert len(made) == 30
    truth = {one["external_id"]: one for one in laboratory.ask_oracle()["orders"]}
    assert {truth[one]["changes"] for one in made} == {1, 2, 3}
    first = truth[made[0]]
    only = laboratory.control("orders/advance", external_ids=made[:1], steps=10)
    assert only["changed"] <= 3
    left = laboratory.control("orders/advance", channel="*", steps=10)["unfinished"]
    assert left == 0
    assert all(one["is_finished"] for one in laboratory.ask_oracle()["orders"])
    assert laboratory.control("reset")["seed"] == laboratory.seed
    assert laboratory.ask_oracle()["orders"] == []
    again = laboratory.control("orders", channel="shopify", count=1)["made"]
    assert again == [laboratory.ask_oracle()["orders"][0]["external_id"]] != [first["external_id"]]


def test_a_signed_push_to_the_standard_shop_is_applied_once(laboratory: Laboratory) -> None:
    order = laboratory.simulation.world.list_orders("standard")[0]
    body = orjson.dumps({"type": "order.status", "data": {"order_external_id": order.external_id, "status": "shipped"}})
    signature = Webhook(CREDENTIALS.standard_push_secret).sign("push-1", laboratory.now, body.decode())
    headers = {
        "webhook-id": "push-1",
        "webhook-timestamp": str(int(laboratory.now.timestamp())),
        "webhook-signature": signature,
        "Content-Type": "application/json",
    }
    for _ in range(2):
        assert laboratory.client.post("/standard/inbound", data=body, headers=headers).status_code == 204
    push = laboratory.ask_oracle()["pushes"][0]
    assert (push["idempotency_key"], push["received"], push["applied"]) == ("push-1", 2, 1)
    assert laboratory.client.post("/standard/inbound", data=body + b" ", headers=headers).status_code == 401
    laboratory.control("misbehave", channel="standard", kind="clock_off")  # then our time is stale to the shop
    assert laboratory.client.post("/standard/inbound", data=body, headers=headers).status_code == 401
