"""Lists of orders over HTTP: what is asked for, what comes back whole, and lists that go in circles."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.channels import CHANNELS
from app.channels.amazon.client import AmazonClient
from app.channels.shopify.client import ShopifyClient
from app.errors import CallFailed, PayloadError, UsageError
from app.outbound.door import Door
from app.outbound.pacing import Pace
from tests.doors import Asked, Reply, Shop, open_shop
from tests.shops import (
    MONEY,
    NOW,
    SECRET,
    SINCE,
    UNTIL,
    Rush,
    answer_amazon,
    answer_list,
    make_client,
    make_order,
    make_page,
    open_client,
    read_all,
)
from tests.webhooks import read_payload


def list_queries(shop: Shop) -> list[dict[str, str]]:
    return [asked.query for asked in shop.asked if asked.path.endswith(("/orders.json", "/orders"))]


def test_shopify_asks_for_the_period_once_and_then_for_pages() -> None:
    def answer(asked: Asked) -> Reply:
        if "page_info" in asked.query:
            return make_page("shopify", [make_order("shopify", 2, 1)])
        return make_page("shopify", [make_order("shopify", 1)], "a%2Bb%3D")

    with open_client("shopify", answer) as (client, shop):
        orders = read_all(client)
        assert [(order.external_id, order.version) for order in orders] == [
            ("1", SINCE),
            ("2", SINCE + timedelta(seconds=1)),
        ]
        assert list_queries(shop) == [
            {"limit": "100", "status": "any", "order": "updated_at asc",
             "updated_at_min": "2026-11-20T12:00:00Z", "updated_at_max": "2026-11-20T13:00:00Z"},
            {"limit": "100", "page_info": "a+b="},
        ]  # fmt: skip
        assert {asked.headers["X-Shopify-Access-Token"] for asked in shop.asked} == {SECRET}


def test_woocommerce_goes_on_by_time_and_by_number_only_within_a_second() -> None:
    """Ten orders on pages of two; four of them were changed in one second."""
    seconds = [0, 1, 2, 3, 3, 3, 3, 4, 5, 6]
    stored = [make_order("woocommerce", number, second) for number, second in enumerate(seconds)]

    def answer(asked: Asked) -> Reply:
        after, before = asked.query["modified_after"], asked.query["modified_before"]
        found = [one for one in stored if after < f"{one['date_modified_gmt']}Z" < before]
        start = (int(asked.query["page"]) - 1) * 2
        return make_page("woocommerce", found[start : start + 2], pages=-(-len(found) // 2))

    with open_client("woocommerce", answer) as (client, shop):
        orders = read_all(client)
        assert {order.external_id for order in orders} == {str(number) for number in range(10)}
        assert list_queries(shop)[0] == {
            "modified_after": "2026-11-20T11:59:59Z", "modified_before": "2026-11-20T13:00:01Z",
            "dates_are_gmt": "true", "orderby": "modified", "order": "asc", "page": "1", "per_page": "100",
        }  # fmt: skip
        assert {query["page"] for query in list_queries(shop)} >= {"1", "2"}
        assert shop.asked[0].headers["Authorization"].startswith("Basic ")


def test_woocommerce_loses_nothing_when_orders_change_between_pages() -> None:
    """After each page its first order changes and moves to the end: page numbers would skip one."""
    stored = [make_order("woocommerce", number, number) for number in range(8)]
    reads: list[int] = []

    def answer(asked: Asked) -> Reply:
        after = asked.query["modified_after"]
        found = [one for one in stored if f"{one['date_modified_gmt']}Z" > after]
        start = (int(asked.query["page"]) - 1) * 3
        page = found[start : start + 3]
        reads.append(len(page))
        if len(reads) < 4:
            moved = stored.pop(stored.index(page[0]))
            stored.append(
                moved | {"date_modified_gmt": f"{SINCE + timedelta(seconds=60 + len(reads)):%Y-%m-%dT%H:%M:%S}"}
            )
        return make_page("woocommerce", page, pages=-(-len(found) // 3))

    with open_client("woocommerce", answer) as (client, _):
        seen = {(order.external_id, order.version) for order in read_all(client)}
        assert {(str(one["id"]), _read_utc(one["date_modified_gmt"])) for one in stored} <= seen


def _read_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_amazon_brings_the_items_and_asks_within_its_limits() -> None:
    def page(asked: Asked) -> Reply:
        if "NextToken" in asked.query:
            return make_page("amazon", [make_order("amazon", 2)])
        return make_page("amazon", [make_order("amazon", 1)], "token/+=")

    items = json.loads(read_payload("amazon/getOrderItems.json"))["payload"]["OrderItems"]

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/1/orderItems"):
            if "NextToken" in asked.query:
                return Reply({"payload": {"OrderItems": [items[0] | {"OrderItemId": "second"}]}})
            return Reply({"payload": {"OrderItems": items, "NextToken": "more"}})
        return answer_amazon(page)(asked)

    with open_client("amazon", answer) as (client, shop):
        orders = read_all(client)
        parsed = [CHANNELS["amazon"].parse(order.topic, order.payload).order for order in orders]
        assert [len(order.items) for order in parsed if order] == [2, 1]
        assert list_queries(shop) == [
            {"MarketplaceIds": "M1,M2", "MaxResultsPerPage": "30",
             "LastUpdatedAfter": "2026-11-20T12:00:00Z", "LastUpdatedBefore": "2026-11-20T13:00:00Z"},
            {"MarketplaceIds": "M1,M2", "NextToken": "token/+="},
        ]  # fmt: skip
        assert [path for _, path in shop.list_asked()].count("/token") == 1
        # What has not changed since is not asked for again.
        shop.asked.clear()
        read_all(client)
        assert [path for _, path in shop.list_asked()] == ["/orders/v0/orders"] * 2


@pytest.mark.parametrize("status", [400, 404])
def test_an_order_whose_items_amazon_refuses_keeps_none_of_the_others_out(status: int) -> None:
    def page(_: Asked) -> Reply:
        return make_page("amazon", [make_order("amazon", 1), make_order("amazon", 2)])

    def answer(asked: Asked) -> Reply:
        return Reply({}, status) if asked.path.endswith("/1/orderItems") else answer_amazon(page)(asked)

    with open_client("amazon", answer) as (client, _):
        broken, whole = read_all(client)
    with pytest.raises(PayloadError, match="items is not a list"):
        CHANNELS["amazon"].parse(broken.topic, broken.payload)
    assert CHANNELS["amazon"].parse(whole.topic, whole.payload).order


def test_amazon_never_names_a_time_of_the_last_two_minutes() -> None:
    with open_client("amazon", answer_amazon(lambda _: make_page("amazon", []))) as (client, shop):
        client.list_orders(NOW - timedelta(seconds=30), NOW, None)
        (query,) = list_queries(shop)
        assert query["LastUpdatedAfter"] == "2026-11-21T11:57:55Z"
        assert "LastUpdatedBefore" not in query


@pytest.mark.parametrize("name", ["shopify", "woocommerce", "amazon"])
def test_a_payload_is_kept_to_the_digit(name: str) -> None:
    field = {"shopify": "total_price", "woocommerce": "total"}.get(name, "Odd")
    order = json.dumps(make_order(name, 7) | {field: "@", "note": "\ud83d"}).replace('"@"', MONEY).encode()
    whole = {"shopify": b'{"orders":[%s]}', "woocommerce": b"[%s]", "amazon": b'{"payload":{"Orders":[%s]}}'}[
        name
    ] % order

    with open_client(name, answer_list(name, lambda _: Reply(whole))) as (client, _):
        (polled,) = read_all(client)
        assert MONEY in polled.payload
        assert "\N{REPLACEMENT CHARACTER}" in polled.payload or "?" in polled.payload
        channel = CHANNELS[name]
        found = channel.parse(polled.topic, polled.payload).order
        assert found
        assert (found.external_id, found.version) == (polled.external_id, polled.version)
        if name != "amazon":
            assert str(found.total) == MONEY


CIRCLES: dict[str, Callable[[str, Asked], Reply]] = {
    "the same cursor again": lambda name, asked: make_page(name, [make_order(name, len(str(asked)))], "same", 99),
    "a cursor of two pages ago": lambda name, asked: make_page(
        name, [], {"a": "b", "b": "a"}.get(asked.query.get("page_info") or asked.query.get("NextToken") or "", "a"), 99
    ),
    "the same page under new cursors": lambda name, asked: make_page(name, [make_order(name, 1)], f"c{id(asked)}", 99),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in ("shopify", "amazon") for kind in CIRCLES]
    + [("woocommerce", "the same page under new cursors")],
)
def test_a_list_that_goes_in_circles_is_left(name: str, kind: str) -> None:
    with open_client(name, answer_list(name, lambda asked: CIRCLES[kind](name, asked))) as (client, shop):
        with pytest.raises(CallFailed, match="answered before") as caught:
            read_all(client)
        assert caught.value.outcome == "bad_answer"
        assert len(list_queries(shop)) <= 4


def test_amazons_items_that_go_in_circles_are_left() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/orderItems"):
            return Reply({"payload": {"OrderItems": [], "NextToken": "same"}})
        return answer_amazon(lambda _: make_page("amazon", [make_order("amazon", 1)]))(asked)

    with open_client("amazon", answer) as (client, _), pytest.raises(CallFailed, match="goes in circles"):
        read_all(client)


@pytest.mark.parametrize("name", ["shopify", "woocommerce", "amazon"])
def test_asking_for_a_page_again_is_no_circle(name: str) -> None:
    """After a commit that failed the poller reads the same page once more."""
    orders = [make_order(name, 1, 0), make_order(name, 2, 5)]
    cursor_names = ("page_info", "NextToken")

    def page(asked: Asked) -> Reply:
        first = not any(one in asked.query for one in cursor_names) and "11:59:59" in asked.query.get(
            "modified_after", "11:59:59"
        )
        return make_page(
            name, orders[:2] if first else [make_order(name, 3, 9)], "next" if first else None, 2 if first else 1
        )

    with open_client(name, answer_list(name, page)) as (client, _):
        first = client.list_orders(SINCE, UNTIL, None)
        assert client.list_orders(SINCE, UNTIL, None) == first
        second = client.list_orders(SINCE, UNTIL, first.next_cursor)
        assert client.list_orders(SINCE, UNTIL, first.next_cursor) == second
        assert second.next_cursor is None


WRONG: list[tuple[str, bytes]] = [
    (name, body)
    for name, bodies in {
        "shopify": [b'{"orders": null}', b'{"orders": [1]}', b"{}"],
        "woocommerce": [b"{}", b"[1]",],
        "amazon": [b"{}", b'{"payload": []}', b'{"payload": {}}', b'{"payload": {"Orders": [], "NextToken": 7}}'],
    }.items()
    for body in [*bodies, b"", b"null", b"[" * 100_000, b'{"orders": [', b"\xff", b"<html>", b'[NaN]', b"1" * 5000]
]  # fmt: skip


@pytest.mark.parametrize(("name", "body"), WRONG, ids=[f"{name}-{body[:24]!r}" for name, body in WRONG])
def test_an_answer_that_is_no_list_is_bad(name: str, body: bytes) -> None:
    with open_client(name, answer_list(name, lambda _: Reply(body))) as (client, _):
        with pytest.raises(CallFailed) as caught:
            read_all(client)
        assert caught.value.outcome == "bad_answer"
        assert SECRET not in "".join(traceback.format_exception(caught.value))


UNREADABLE: list[tuple[str, bytes]] = [
    ("shopify", b'{"orders": [{}, ORDER]}'),
    ("shopify", b'{"orders": [{"id": 1}, ORDER]}'),
    ("woocommerce", b'[{"id": 1}, ORDER]'),
    ("woocommerce", b'[{"id": 1, "date_modified_gmt": "soon"}, ORDER]'),
    ("amazon", b'{"payload": {"Orders": [{}, ORDER]}}'),
]


@pytest.mark.parametrize(("name", "body"), UNREADABLE, ids=[f"{name}-{body[:24]!r}" for name, body in UNREADABLE])
def test_an_order_that_does_not_say_which_one_it_is_holds_up_no_other(name: str, body: bytes) -> None:
    whole = body.replace(b"ORDER", json.dumps(make_order(name, 7)).encode())
    with open_client(name, answer_list(name, lambda _: Reply(whole))) as (client, _):
        unreadable, good = client.list_orders(SINCE, UNTIL, None).orders
        (again, _) = client.list_orders(SINCE, UNTIL, None).orders
    assert unreadable.version is None
    assert unreadable == again  # and so it is one row of the inbox, however often it is listed
    assert good.version is not None


def test_a_cursor_of_nobodys_is_refused() -> None:
    with open_client("woocommerce", lambda _: Reply([])) as (client, shop):
        with pytest.raises(CallFailed, match="begin without one"):
            client.list_orders(SINCE, UNTIL, "x")
        assert shop.asked == []


def test_shopifys_bucket_is_respected() -> None:
    with open_shop(lambda _: Reply({"orders": []}, headers={"X-Shopify-Shop-Api-Call-Limit": "40/40"})) as shop:
        client = ShopifyClient(Door("shopify", shop.url, allow=frozenset([shop.place])), SECRET, pace=Pace(0.1, 40))
        client.list_orders(SINCE, UNTIL, None)
        with pytest.raises(CallFailed, match="again in 10 s"):
            client.list_orders(SINCE, UNTIL, None)
        assert len(shop.asked) == 1


def test_amazons_rate_is_learned_and_a_page_goes_on_where_it_was_broken_off() -> None:
    refused: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/2/orderItems") and len(refused) < 1:
            refused.append(asked.path)
            return Reply({}, 429, {"x-amzn-RateLimit-Limit": "0.02"})
        return answer_amazon(lambda _: make_page("amazon", [make_order("amazon", number) for number in (1, 2, 3)]))(
            asked
        )

    with open_shop(answer) as shop:
        client = make_client("amazon", Door("amazon", shop.url, allow=frozenset([shop.place])))
        assert isinstance(client, AmazonClient)
        with pytest.raises(CallFailed, match="again in 50 s") as caught:
            read_all(client)
        assert caught.value.retry_after_s == pytest.approx(50, abs=1)
        client._paces["list_orders"] = client._paces["list_items"] = Rush()  # 50 s later
        assert len(read_all(client)) == 3
        assert [path for _, path in shop.list_asked()].count("/orders/v0/orders/1/orderItems") == 1


def test_standard_has_no_list() -> None:
    with open_client("standard", lambda _: Reply({})) as (client, _), pytest.raises(UsageError, match="no list"):
        client.list_orders(SINCE, UNTIL, None)
