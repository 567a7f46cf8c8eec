"""A client of each channel in front of a small server that speaks the channel's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from app.channels.amazon.client import AmazonClient
from app.channels.base import Client
from app.channels.shopify.client import ShopifyClient
from app.channels.standard.client import StandardClient
from app.channels.woocommerce.client import WooCommerceClient
from app.model import PolledOrder
from app.outbound.door import Door
from app.outbound.pacing import Pace
from tests.doors import Answerer, Asked, Reply, Shop, open_shop
from tests.webhooks import read_payload

SECRET = "canary-8Jx2vQm4Rk7Tz1Wn"
SINCE = datetime(2026, 11, 20, 12, 0, 0, 500000, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=1)
NOW = SINCE + timedelta(days=1)
MONEY = "12345678901234567.10"  # no binary fraction holds it


class Rush(Pace):
    """No waiting between calls: the pace has tests of its own."""

    def __init__(self) -> None:
        super().__init__(1e6, 1000)


@contextmanager
def open_client(name: str, answer: Answerer) -> Iterator[tuple[Client, Shop]]:
    with open_shop(answer) as shop:
        door = Door(name, shop.url, allow=frozenset([shop.place]), timeout_s=2)
        yield make_client(name, door), shop


def make_client(name: str, door: Door) -> Client:
    if name == "shopify":
        return ShopifyClient(door, SECRET, pace=Rush())
    if name == "woocommerce":
        return WooCommerceClient(door, "ck_key", SECRET, pace=Rush())
    if name == "standard":
        return StandardClient(door, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", pace=Rush())
    return AmazonClient(
        door,
        token_url=f"{door._base_url}/token",
        client_id="client",
        client_secret=SECRET,
        refresh_token=f"Atzr|{SECRET}",
        marketplace_ids=("M1", "M2"),
        paces=dict.fromkeys(("list_orders", "list_items", "read_order", "push"), Rush()),
        now=lambda: NOW,
    )


def make_order(name: str, number: int, second: int = 0) -> dict[str, Any]:
    time = SINCE + timedelta(seconds=second)
    if name == "shopify":
        order = json.loads(read_payload("shopify/order.json"))
        return order | {"id": number, "updated_at": time.isoformat()}  # type: ignore[no-any-return]  # JSON
    if name == "woocommerce":
        order = json.loads(read_payload("woocommerce/order.json"))
        return order | {"id": number, "date_modified_gmt": f"{time:%Y-%m-%dT%H:%M:%S}"}  # type: ignore[no-any-return]
    order = json.loads(read_payload("amazon/getOrder.json"))["payload"]
    return order | {"AmazonOrderId": str(number), "LastUpdateDate": f"{time:%Y-%m-%dT%H:%M:%SZ}"}  # type: ignore[no-any-return]


def make_page(name: str, orders: list[dict[str, Any]], following: str | None = None, pages: int = 1) -> Reply:
    if name == "shopify":
        link = f'<https://elsewhere.example/a?limit=1&page_info={following}>; rel="next"' if following else ""
        back = '<https://elsewhere.example/a?page_info=back>; rel="previous"'
        return Reply({"orders": orders}, headers={"Link": f"{back}, {link}" if link else back})
    if name == "woocommerce":
        return Reply(orders, headers={"X-WP-TotalPages": str(pages)})
    return Reply({"payload": {"Orders": orders} | ({"NextToken": following} if following else {})})


def answer_amazon(page: Answerer) -> Answerer:
    """The rest of Amazon around its list: login, and an item for each order."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            return Reply({"access_token": f"Atza|{SECRET}", "expires_in": 3600})
        if asked.path.endswith("/orderItems"):
            return Reply(json.loads(read_payload("amazon/getOrderItems.json")))
        return page(asked)

    return answer


def answer_list(name: str, page: Answerer) -> Answerer:
    return answer_amazon(page) if name == "amazon" else page


def read_all(client: Client) -> list[PolledOrder]:
    found: list[PolledOrder] = []
    cursor: str | None = None
    while True:
        page = client.list_orders(SINCE, UNTIL, cursor)
        found += page.orders
        cursor = page.next_cursor
        if cursor is None:
            return found
