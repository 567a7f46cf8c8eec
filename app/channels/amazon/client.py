"""Amazon's Selling Partner API: orders v0, login with Amazon, shipment confirmation.

https://developer-docs.amazon.com/sp-api/docs/orders-api-v0-reference. Names and addresses of buyers come only for
applications with a restricted role; an order without them is complete here.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from app.channels import pages
from app.channels.base import Page, PushMessage
from app.errors import CallFailed, PushRefused
from app.model import PolledOrder
from app.outbound.door import Answer, Door
from app.outbound.pacing import Pace, call_politely, read_number

ORDERS = "/orders/v0/orders"
# The default usage plan, calls a second and burst, of each operation:
# https://developer-docs.amazon.com/sp-api/docs/orders-api-rate-limits
USAGE_PLAN = {"list_orders": (0.0167, 20), "list_items": (0.5, 30), "read_order": (0.5, 30), "push": (2.0, 10)}
# As many orders as one burst of getOrderItems serves; at 0.5 a second they take as long as the next getOrders is off.
PAGE_SIZE = 30
MAX_ITEM_PAGES = 50
ITEMS_KEPT = 2000
# Amazon refuses a time that is less than two minutes ago.
MARGIN = timedelta(minutes=2, seconds=5)
TOKEN_MARGIN_S = 60.0
LONGEST_TOKEN_S = 86_400  # Amazon says one hour

SENT = frozenset({"Shipped", "InvoiceUnconfirmed"})
ENDED = frozenset({"Canceled", "Unfulfillable"})

Items = tuple[Any, ...]


class AmazonClient:
    name: str = "amazon"
    lists: bool = True
    oldest_first: bool = False  # Amazon does not say so

    def __init__(
        self,
        door: Door,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        marketplace_ids: tuple[str, ...],
        paces: dict[str, Pace] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._door = door
        self._token_url = token_url
        self._login = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": client_id,
            "client_secret": client_secret,
        }
        self._marketplaces = ",".join(marketplace_ids)
        self._paces = paces or {name: Pace(rate, burst) for name, (rate, burst) in USAGE_PLAN.items()}
        self._now = now
        self._guard = pages.PageGuard()
        self._token: str | None = None
        self._token_until = 0.0
        self._items: OrderedDict[tuple[str, datetime], Items] = OrderedDict()

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        """As the protocol says, each order with all its items. Changes of the last two minutes come a poll later."""
        latest = self._now() - MARGIN
        params = {"MarketplaceIds": self._marketplaces}
        if cursor is not None:
            params["NextToken"] = cursor
        else:
            params["MaxResultsPerPage"] = str(PAGE_SIZE)
            params["LastUpdatedAfter"] = pages.format_time(min(modified_since, latest))
            if modified_until is not None and modified_until < latest:  # else Amazon's own limit
                params["LastUpdatedBefore"] = pages.format_time(modified_until)
        answer = self._call("list_orders", "GET", ORDERS, params=params)
        found = pages.pick(pages.load_record(answer), "payload")
        records = pages.pick_records(found, "Orders")
        texts = pages.pick(pages.load_json(answer, verbatim=True), "payload", "Orders")
        orders = tuple(self._add_items(record, text) for record, text in zip(records, texts, strict=True))
        return self._guard.check(cursor, Page(orders, read_next_token(found)))

    def push(self, message: PushMessage) -> None:
        """Confirm the shipment of whatever is not shipped yet, as one package, unless all of it is."""
        if message.status != "shipped":
            raise PushRefused(f"amazon has no word for {message.status}")
        path = f"{ORDERS}/{quote(message.order_external_id, safe='')}"
        with pages.refuse_final():
            body = self._make_confirmation(path, message)
            if body is None:
                return
            try:
                self._call("push", "POST", f"{path}/shipmentConfirmation", json_body=body)
            except CallFailed as error:
                # Somebody may have been faster, or an earlier try of ours that had seemed lost.
                if error.outcome != "client_error" or self._make_confirmation(path, message) is not None:
                    raise

    def _make_confirmation(self, path: str, message: PushMessage) -> dict[str, Any] | None:
        """What there is to confirm of the order at `path`; None when all of it is shipped. Raises PushRefused."""
        order = pages.pick(pages.load_record(self._call("read_order", "GET", path)), "payload")
        status = pages.pick_text(order, "OrderStatus")
        if status in SENT:
            return None
        if status in ENDED:
            raise PushRefused(f"the order is {status} at amazon, so its shipment cannot be confirmed")
        items = [item for page in self._list_item_pages(path) for item in page]
        package = make_package(items, message, self._now())
        if not package["orderItems"]:
            return None
        return {"marketplaceId": pages.pick_text(order, "MarketplaceId"), "packageDetail": package}

    def _add_items(self, record: dict[str, Any], text: Any) -> PolledOrder:
        order = pages.read_polled(record, "AmazonOrderId", "LastUpdateDate", "order.polled", "")
        if order.version is None:
            return pages.make_unreadable(order.topic, pages.dump_verbatim({"order": text, "items": []}))
        key = (order.external_id, order.version)
        items = self._items.get(key)
        if items is None:
            path = f"{ORDERS}/{quote(order.external_id, safe='')}"
            try:
                with pages.refuse_final():
                    items = tuple(item for page in self._list_item_pages(path, verbatim=True) for item in page)
            except PushRefused as error:
                # Not the end of the whole list: the parser refuses it, and it is seen in quarantine.
                refused = pages.dump_verbatim({"order": text, "items": str(error)})
                return PolledOrder(order.external_id, order.version, order.topic, refused)
            # Kept, so that a page that was broken off by a limit is not begun anew, nor an overlap asked again.
            self._items[key] = items
            if len(self._items) > ITEMS_KEPT:
                self._items.popitem(last=False)
        payload = pages.dump_verbatim({"order": text, "items": list(items)})
        return PolledOrder(order.external_id, order.version, order.topic, payload)

    def _list_item_pages(self, path: str, *, verbatim: bool = False) -> list[list[Any]]:
        found: list[list[Any]] = []
        seen: set[str] = set()
        params: dict[str, str] = {}
        while True:
            answer = self._call("list_items", "GET", f"{path}/orderItems", params=params)
            found.append(pages.pick_records(pages.load_json(answer, verbatim=verbatim), "payload", "OrderItems"))
            following = read_next_token(pages.pick(pages.load_record(answer), "payload"))
            if following is None:
                return found
            if following in seen or len(found) >= MAX_ITEM_PAGES:
                raise CallFailed("bad_answer", "amazon's list of an order's items goes in circles")
            seen.add(following)
            params = {"NextToken": following}

    def _call(self, operation: str, method: str, path: str, **options: Any) -> Answer:
        """One call with a valid token; a token that is refused is renewed once."""
        try:
            return self._call_paced(operation, method, path, **options)
        except CallFailed as error:
            if error.status not in (401, 403):
                raise
        self._token = None
        return self._call_paced(operation, method, path, **options)

    def _call_paced(self, operation: str, method: str, path: str, **options: Any) -> Answer:
        headers = {"x-amz-access-token": self._read_token()}
        pace = self._paces[operation]

        def call() -> Answer:
            try:
                answer = self._door.call(operation, method, path, headers=headers, **options)
            except CallFailed as error:
                if error.outcome == "rate_limited" and error.retry_after_s:
                    pace.learn_rate(1 / error.retry_after_s)  # all that a refusal of Amazon's tells is the rate
                raise
            rate = read_number(answer.headers.get("x-amzn-ratelimit-limit", ""))
            if rate:
                pace.learn_rate(rate)
            return answer

        return call_politely(pace, call)

    def _read_token(self) -> str:
        if self._token is None or time.monotonic() >= self._token_until:
            self._token, lifetime_s = self._fetch_token()
            self._token_until = time.monotonic() + lifetime_s - TOKEN_MARGIN_S
        return self._token

    def _fetch_token(self) -> tuple[str, float]:
        """An access token and its lifetime in seconds."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        data = urlencode(self._login).encode()
        try:
            answer = self._door.call("token", "POST", self._token_url, headers=headers, data=data)
        except CallFailed as error:
            # Without the status: credentials that are refused say nothing of the order that was to be pushed.
            raise CallFailed(error.outcome, str(error), retry_after_s=error.retry_after_s) from None
        found = pages.load_record(answer)
        token, lifetime_s = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise CallFailed("bad_answer", "amazon's login answered without a usable access_token")
        return token, float(min(max(lifetime_s, 0), LONGEST_TOKEN_S)) if isinstance(lifetime_s, int) else 0.0


def read_next_token(payload: Any) -> str | None:
    """`NextToken` of an answer's payload; blank is none. Raises CallFailed("bad_answer")."""
    found = payload.get("NextToken") if isinstance(payload, dict) else None
    if found is not None and not isinstance(found, str):
        raise CallFailed("bad_answer", "amazon's NextToken is not a text")
    return found or None


def make_package(items: list[Any], message: PushMessage, now: datetime) -> dict[str, Any]:
    """Everything not shipped yet as one package; its reference is fixed, so that a repeat is not a second package.

    Amazon wants a tracking number in every package, and takes an empty one for goods sent without.
    """
    left = [(item, _count_left(item)) for item in items]
    return {
        "packageReferenceId": "1",
        "carrierCode": message.carrier or "Other",
        "shipDate": pages.format_time(message.happened_at or now),
        "trackingNumber": message.tracking_number or "",
        "orderItems": [
            {"orderItemId": pages.pick_id(item, "OrderItemId"), "quantity": count} for item, count in left if count > 0
        ],
    }


def _count_left(item: dict[str, Any]) -> int:
    ordered, shipped = pages.pick(item, "QuantityOrdered"), item.get("QuantityShipped") or 0
    if not isinstance(ordered, int) or not isinstance(shipped, int):
        raise CallFailed("bad_answer", "a quantity of amazon's is not a whole number")
    return ordered - shipped
