"""Shopify's REST Admin API: orders by time of change, fulfilments and cancellations.

https://shopify.dev/docs/api/admin-rest/2024-10/resources/order and .../fulfillment. Needs the scopes read_orders,
write_orders, read_merchant_managed_fulfillment_orders and write_merchant_managed_fulfillment_orders.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote

from requests.utils import parse_header_links

from app.channels import pages
from app.channels.base import Page, PushMessage
from app.errors import CallFailed, PushRefused
from app.outbound.door import Answer, Door
from app.outbound.pacing import Pace, call_politely, read_number

VERSION = "2024-10"
PAGE_SIZE = 100  # of the 250 allowed: orders of many lines are 50 KB each
# The standard plan's bucket: https://shopify.dev/docs/api/usage/rate-limits
RATE_PER_S, BURST = 2.0, 40

OPEN = frozenset({"open", "in_progress"})
WAITING = frozenset({"on_hold", "scheduled"})


class ShopifyClient:
    name: str = "shopify"
    lists: bool = True
    oldest_first: bool = True

    def __init__(self, door: Door, token: str, *, pace: Pace | None = None) -> None:
        self._door = door
        self._headers = {"X-Shopify-Access-Token": token}
        self._pace = pace or Pace(RATE_PER_S, BURST)
        self._guard = pages.PageGuard()

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        """As the protocol says. A cursor carries its period within itself: Shopify refuses filters beside it."""
        params = {"limit": str(PAGE_SIZE)}
        if cursor is not None:
            params["page_info"] = cursor
        else:
            params |= {"status": "any", "order": "updated_at asc", "updated_at_min": pages.format_time(modified_since)}
            if modified_until is not None:
                params["updated_at_max"] = pages.format_time(modified_until)
        answer = self._call("list_orders", "GET", "/orders.json", params=params, max_bytes=32 << 20)
        records = pages.pick_records(pages.load_record(answer), "orders")
        texts = pages.pick(pages.load_json(answer, verbatim=True), "orders")
        orders = tuple(
            pages.read_polled(record, "id", "updated_at", "orders/updated", pages.dump_verbatim(text))
            for record, text in zip(records, texts, strict=True)
        )
        return self._guard.check(cursor, Page(orders, read_next_cursor(answer)))

    def push(self, message: PushMessage) -> None:
        """Shipped becomes a fulfilment of whatever is open, cancelled a cancellation. Reads before it writes."""
        order_path = f"/orders/{quote(message.order_external_id, safe='')}"
        with pages.refuse_final():
            if message.status == "shipped":
                self._ship(order_path, message)
            elif message.status == "cancelled":
                self._cancel(order_path)
            else:
                raise PushRefused(f"shopify has no word for {message.status}")

    def _ship(self, order_path: str, message: PushMessage) -> None:
        found = self._read_tasks(order_path)
        states = {pages.pick_text(one, "status") for one in found}
        if not states & OPEN:
            if states & WAITING:
                raise PushRefused("shopify holds the fulfilment of this order back; release it there, then replay")
            if "closed" not in states:
                raise PushRefused("shopify has nothing to fulfil for this order")
            return  # shipped already, by an earlier try or by hand
        # One call for each: a single fulfilment must not span locations, and a retry finds those still open.
        for one in found:
            if one.get("status") in OPEN:
                self._fulfill(order_path, pages.pick_id(one, "id"), message)

    def _fulfill(self, order_path: str, task_id: int | str, message: PushMessage) -> None:
        try:
            self._call(
                "push", "POST", "/fulfillments.json", json_body={"fulfillment": make_fulfillment(task_id, message)}
            )
        except CallFailed as error:
            # Somebody may have been faster, or an earlier try of ours that had seemed lost.
            still_open = error.outcome != "client_error" or any(
                one.get("id") == task_id and pages.pick_text(one, "status") in OPEN
                for one in self._read_tasks(order_path)
            )
            if still_open:
                raise

    def _read_tasks(self, order_path: str) -> list[dict[str, Any]]:
        """The order's fulfilment orders."""
        answer = self._call("read_order", "GET", f"{order_path}/fulfillment_orders.json")
        return pages.pick_records(pages.load_record(answer), "fulfillment_orders")

    def _cancel(self, order_path: str) -> None:
        if self._is_cancelled(order_path):
            return
        try:
            self._call("push", "POST", f"{order_path}/cancel.json", json_body={})
        except CallFailed as error:
            # Somebody may have been faster, or the answer to an earlier try may have been lost on its way.
            if error.outcome != "client_error" or not self._is_cancelled(order_path):
                raise

    def _is_cancelled(self, order_path: str) -> bool:
        answer = self._call("read_order", "GET", f"{order_path}.json", params={"fields": "id,cancelled_at"})
        return pages.pick_record(pages.load_record(answer), "order").get("cancelled_at") is not None

    def _call(self, operation: str, method: str, path: str, **options: Any) -> Answer:
        whole_path = f"/admin/api/{VERSION}{path}"

        def call() -> Answer:
            return self._door.call(operation, method, whole_path, headers=self._headers, **options)

        answer = call_politely(self._pace, call)
        used, _, size = answer.headers.get("x-shopify-shop-api-call-limit", "").partition("/")
        calls, limit = read_number(used), read_number(size)
        if calls is not None and limit is not None:
            self._pace.learn_left(limit - calls)
        return answer


def make_fulfillment(fulfillment_order_id: int | str, message: PushMessage) -> dict[str, Any]:
    """The body of a fulfilment of everything that is left of one fulfilment order."""
    tracking = {"number": message.tracking_number, "company": message.carrier, "url": message.tracking_url}
    known = {name: value for name, value in tracking.items() if value}
    made: dict[str, Any] = {
        "line_items_by_fulfillment_order": [{"fulfillment_order_id": fulfillment_order_id}],
        "notify_customer": False,
    }
    return made | ({"tracking_info": known} if known else {})


def read_next_cursor(answer: Answer) -> str | None:
    """The `page_info` of the next page; the address around it is not used: only ours is called."""
    for link in parse_header_links(answer.headers.get("link", "")):
        if link.get("rel") == "next":
            _, _, query = link["url"].partition("?")
            found = parse_qs(query.partition("#")[0]).get("page_info")
            if not found:
                raise CallFailed("bad_answer", "the channel's next page has no page_info")
            return found[0]
    return None
