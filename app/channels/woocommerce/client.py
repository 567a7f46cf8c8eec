"""WooCommerce's REST API v3: orders by time of change, and their status.

https://woocommerce.github.io/woocommerce-rest-api-docs/#orders. Key and secret go in Basic authentication, which
WooCommerce takes over TLS only.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from app.channels import pages
from app.channels.base import Page, PushMessage
from app.errors import CallFailed, PushRefused
from app.model import PolledOrder
from app.outbound.door import Answer, Door
from app.outbound.pacing import Pace, call_politely, read_number

BASE = "/wp-json/wc/v3"
PAGE_SIZE = 100  # the most it allows
# WooCommerce limits nothing itself; the shop's own server is small as a rule.
RATE_PER_S, BURST = 5.0, 10
SECOND = timedelta(seconds=1)
_CURSOR = re.compile(r"([0-9]{1,11})\.([0-9]{1,6})")  # seconds since 1970, up to the year 5138, and a page

# Our status -> theirs. It knows no "delivered": an order whose goods have left is completed.
WORDS = {"shipped": "completed", "delivered": "completed", "cancelled": "cancelled"}
# What is never overwritten with "completed".
ENDED = frozenset({"cancelled", "refunded", "failed", "trash"})


class WooCommerceClient:
    name: str = "woocommerce"
    lists: bool = True
    oldest_first: bool = True

    def __init__(self, door: Door, key: str, secret: str, *, pace: Pace | None = None) -> None:
        self._door = door
        self._headers = {"Authorization": f"Basic {b64encode(f'{key}:{secret}'.encode()).decode()}"}
        self._pace = pace or Pace(RATE_PER_S, BURST)
        self._guard = pages.PageGuard()

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        """As the protocol says.

        An order that changes while the pages are read moves to the end, and all after it move up by one: page
        numbers would skip an order. So each page begins at the time of the last order of the page before, and
        page numbers count only within orders that were all changed in the same second.
        """
        after, number = read_cursor(cursor) if cursor is not None else (modified_since - SECOND, 1)
        params = {
            "modified_after": pages.format_time(after),  # exclusive
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "page": str(number),
            "per_page": str(PAGE_SIZE),
        }
        if modified_until is not None:
            params["modified_before"] = pages.format_time(modified_until + SECOND)  # exclusive, too
        answer = self._call("list_orders", "GET", "/orders", params=params, max_bytes=32 << 20)
        records = pages.pick_records(pages.load_json(answer))
        texts = pages.load_json(answer, verbatim=True)
        orders = tuple(
            pages.read_polled(
                record, "id", "date_modified_gmt", "order.updated", pages.dump_verbatim(text), zoneless_is_utc=True
            )
            for record, text in zip(records, texts, strict=True)
        )
        following = choose_next(after, number, orders) if has_more(answer, number, len(orders)) else None
        return self._guard.check(cursor, Page(orders, following))

    def push(self, message: PushMessage) -> None:
        """Set the order's status, unless it has it already."""
        word = WORDS.get(message.status)
        if word is None:
            raise PushRefused(f"woocommerce has no word for {message.status}")
        path = f"/orders/{quote(message.order_external_id, safe='')}"
        with pages.refuse_final():
            current = pages.pick_text(pages.load_record(self._call("read_order", "GET", path)), "status")
            if current == word:
                return
            if current in ENDED:
                raise PushRefused(f"the order is {current} in woocommerce, so it cannot become {word} there")
            self._call("push", "PUT", path, json_body={"status": word})

    def _call(self, operation: str, method: str, path: str, **options: Any) -> Answer:
        def call() -> Answer:
            return self._door.call(operation, method, BASE + path, headers=self._headers, **options)

        return call_politely(self._pace, call)


def has_more(answer: Answer, number: int, found: int) -> bool:
    """By the count of pages in the header; by a full page where a proxy dropped the header."""
    total = read_number(answer.headers.get("x-wp-totalpages", ""))
    return found > 0 and (found >= PAGE_SIZE if total is None else number < total)


def choose_next(after: datetime, number: int, orders: tuple[PolledOrder, ...]) -> str:
    """The cursor of the page that follows `orders`; it reads the last second again, for those that share it."""
    seconds = {order.version.replace(microsecond=0) for order in orders if order.version}
    if len(seconds) > 1:
        return f"{int((max(seconds) - SECOND).timestamp())}.1"
    return f"{int(after.timestamp())}.{number + 1}"


def read_cursor(cursor: str) -> tuple[datetime, int]:
    """Where a page begins, and its number from there. Raises CallFailed("bad_answer")."""
    parts = _CURSOR.fullmatch(cursor)
    if not parts:
        raise CallFailed("bad_answer", "this is no cursor of a woocommerce list; begin without one")
    return datetime.fromtimestamp(int(parts[1]), UTC), int(parts[2])
