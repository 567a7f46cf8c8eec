"""Amazon's Selling Partner API: Orders v0 and Login with Amazon. https://developer-docs.amazon.com/sp-api

`paid_at` is the moment an order leaves Pending. Before it Amazon tells no prices, so a pending order, and one
cancelled while pending, has no OrderTotal.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from simulator.catalogue import Line, Order
from simulator.misbehaviour import REPEATED_CURSOR
from simulator.orders import Refused
from simulator.paging import read_cursor, select_after, write_cursor
from simulator.simulation import Simulation, answer_json, is_same, read_instant, read_object

MARKETPLACE = "ATVPDKIKX0DER"
LARGEST_PAGE = 100
ITEMS_PER_PAGE = 2  # Amazon's is far larger; small, so that the second page of items is met every day
FIRST_PLACE = (datetime.min.replace(tzinfo=UTC), 0)
FILTERS = ("LastUpdatedAfter", "LastUpdatedBefore", "CreatedAfter", "CreatedBefore", "OrderStatuses")
STATUSES = {
    "pending": "Pending",
    "paid": "Unshipped",
    "partially_fulfilled": "PartiallyShipped",
    "fulfilled": "Shipped",
    "cancelled": "Canceled",
}


def answer_error(status: int, code: str, message: str, details: str = "") -> Response:
    return answer_json({"errors": [{"code": code, "message": message, "details": details}]}, status)


def answer_failure(status: int, retry_after_s: float | None = None) -> Response:
    """An error of SP-API. A 429 names no time to wait: the rate in x-amzn-RateLimit-Limit has to do."""
    known = {
        401: ("Unauthorized", "Access to requested resource is denied."),
        403: ("Unauthorized", "Access to requested resource is denied."),
        404: ("NotFound", "The resource specified does not exist."),
        429: ("QuotaExceeded", "You exceeded your quota for the requested resource."),
    }
    code, message = known.get(status, ("InternalFailure", "We encountered an internal error. Please try again."))
    return answer_error(status, code, message)


def write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_money(order: Order, amount: Decimal) -> dict[str, str]:
    return {"CurrencyCode": order.currency, "Amount": f"{amount:.2f}"}


def has_prices(order: Order) -> bool:
    return order.paid_at is not None


def write_order(order: Order) -> dict[str, Any]:
    document: dict[str, Any] = {
        "AmazonOrderId": order.external_id,
        "PurchaseDate": write_time(order.created_at),
        "LastUpdateDate": write_time(order.updated_at),
        "OrderStatus": STATUSES[order.status],
        "FulfillmentChannel": "MFN",
        "SalesChannel": "Amazon.com",
        "ShipServiceLevel": "Std US D2D Dom",
        "NumberOfItemsShipped": sum(line.shipped for line in order.lines),
        "NumberOfItemsUnshipped": sum(line.quantity - line.shipped for line in order.lines),
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "IsReplacementOrder": False,
        "MarketplaceId": MARKETPLACE,
        "ShipmentServiceLevelCategory": "Standard",
        "OrderType": "StandardOrder",
        "IsBusinessOrder": False,
        "IsPrime": False,
        "IsGlobalExpressEnabled": False,
        "IsPremiumOrder": False,
        "IsSoldByAB": False,
        "IsISPU": False,
        "IsAccessPointOrder": False,
    }
    if has_prices(order):
        document["OrderTotal"] = write_money(order, order.total)
        document["ShippingAddress"] = {
            "City": "SEATTLE",
            "StateOrRegion": "WA",
            "PostalCode": "98121-2778",
            "CountryCode": order.country,
        }
        document["BuyerInfo"] = {"BuyerEmail": order.email}
    return document


def write_item(order: Order, line: Line) -> dict[str, Any]:
    document: dict[str, Any] = {
        "ASIN": f"B{line.id % 10**9:09d}",
        "OrderItemId": str(line.id),
        "SellerSKU": line.sku,
        "Title": line.name,
        "QuantityOrdered": line.quantity,
        "QuantityShipped": line.shipped,
        "ProductInfo": {"NumberOfItems": "1"},
        "IsGift": "false",
        "ConditionId": "New",
        "ConditionSubtypeId": "New",
        "IsTransparency": False,
        "SerialNumberRequired": False,
    }
    if has_prices(order):
        shipping = order.shipping if line is order.lines[0] else Decimal(0)
        document |= {
            "ItemPrice": write_money(order, line.gross),
            "ItemTax": write_money(order, line.tax),
            "PromotionDiscount": write_money(order, line.discount),
            "ShippingPrice": write_money(order, shipping),
            "ShippingTax": write_money(order, Decimal(0)),
        }
    return document


def make_blueprint(simulation: Simulation) -> Blueprint:
    """The routes; the names of the functions are the operations that can be made to misbehave."""
    api = Blueprint("amazon", __name__)
    world = simulation.world

    @api.before_request
    def check_caller() -> Response | None:
        operation = (request.endpoint or "").partition(".")[2]
        if operation == "token":
            return None
        token = request.headers.get("x-amz-access-token")
        if token is None:
            text = "Access token is missing in the request header."
            return answer_error(403, "MissingAuthenticationToken", "Access to requested resource is denied.", text)
        if not simulation.is_token_alive(token):
            fault = "has expired" if token in simulation.tokens else "is revoked, malformed or invalid"
            text = f"The access token you provided {fault}."
            return answer_error(403, "Unauthorized", "Access to requested resource is denied.", text)
        return None if simulation.buckets[f"amazon.{operation}"].take() else answer_failure(429)

    @api.after_request
    def write_rate(response: Response) -> Response:
        bucket = simulation.buckets.get(request.endpoint or "")
        if bucket is not None and response.status_code not in (401, 403):
            response.headers["x-amzn-RateLimit-Limit"] = f"{bucket.rate:.4f}".rstrip("0").rstrip(".")
        response.headers["x-amzn-RequestId"] = secrets.token_hex(16)
        return response

    @api.post("/auth/o2/token")
    def token() -> Response:
        return give_token(simulation)

    @api.get("/orders/v0/orders")
    def list_orders() -> Response:
        if not request.args.get("MarketplaceIds"):
            return answer_error(400, "InvalidInput", "MarketplaceIds is missing.")
        query: Mapping[str, str] = {name: request.args[name] for name in FILTERS if name in request.args}
        after, cursor = None, request.args.get("NextToken")
        if cursor is not None:
            if (read := read_cursor(cursor)) is None:
                return answer_error(400, "InvalidInput", "NextToken is invalid.")
            query, after = read
        return list_page(simulation, query, after)

    @api.get("/orders/v0/orders/<order_id>")
    def get_order(order_id: str) -> Response:
        with world.lock:
            order = world.find_order("amazon", order_id)
            return answer_json({"payload": write_order(order)}) if order else answer_failure(404)

    @api.get("/orders/v0/orders/<order_id>/orderItems")
    def list_items(order_id: str) -> Response:
        token = request.args.get("NextToken", "items-0")
        first = token.removeprefix("items-")
        with world.lock:
            order = world.find_order("amazon", order_id)
            if order is None:
                return answer_failure(404)
            if not first.isdecimal() or int(first) >= len(order.lines):
                return answer_error(400, "InvalidInput", "NextToken is invalid.")
            end = int(first) + ITEMS_PER_PAGE
            items = [write_item(order, line) for line in order.lines[int(first) : end]]
            payload: dict[str, Any] = {"AmazonOrderId": order_id, "OrderItems": items}
            if end < len(order.lines):
                payload["NextToken"] = f"items-{end}"
        if simulation.misbehaviour.pick("amazon", "list_items", REPEATED_CURSOR):
            payload["NextToken"] = token
        simulation.spoil_list("amazon", "list_items", items)
        return answer_json({"payload": payload})

    @api.post("/orders/v0/orders/<order_id>/shipmentConfirmation")
    def confirm_shipment(order_id: str) -> Response:
        return ship_order(simulation, order_id, read_object(request).get("packageDetail"))

    return api


def answer_oauth_error(status: int, error: str, text: str) -> Response:
    return answer_json({"error": error, "error_description": text}, status)


def give_token(simulation: Simulation) -> Response:
    """Login with Amazon: an access token for the refresh token."""
    given, wanted = request.form, simulation.credentials
    if given.get("grant_type") != "refresh_token":
        return answer_oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported.")
    if not is_same(given.get("client_id"), wanted.amazon_client_id) or not is_same(
        given.get("client_secret"), wanted.amazon_client_secret
    ):
        return answer_oauth_error(401, "invalid_client", "Client authentication failed")
    if not is_same(given.get("refresh_token"), wanted.amazon_refresh_token):
        return answer_oauth_error(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
    token = f"Atza|{secrets.token_urlsafe(32)}"
    simulation.tokens[token] = time.monotonic() + simulation.token_life_s
    return answer_json(
        {
            "access_token": token,
            "refresh_token": wanted.amazon_refresh_token,
            "token_type": "bearer",
            "expires_in": int(simulation.token_life_s),
        }
    )


def list_page(simulation: Simulation, query: Mapping[str, str], after: tuple[datetime, int] | None) -> Response:
    """One page, oldest update first. Nothing younger than `amazon_lag_s` is told, as Amazon holds two minutes back."""
    if "LastUpdatedAfter" not in query:
        return answer_error(400, "InvalidInput", "Either the CreatedAfter or the LastUpdatedAfter is required.")
    limit = request.args.get("MaxResultsPerPage", str(LARGEST_PAGE))
    newest = simulation.read_time("amazon") - timedelta(seconds=simulation.amazon_lag_s)
    low = read_instant(query["LastUpdatedAfter"])
    high = read_instant(query["LastUpdatedBefore"]) if "LastUpdatedBefore" in query else newest
    if low is None or high is None or not limit.isdecimal() or not 1 <= int(limit) <= LARGEST_PAGE:
        return answer_error(400, "InvalidInput", "LastUpdatedAfter, LastUpdatedBefore or MaxResultsPerPage is invalid.")
    if low > newest or ("LastUpdatedBefore" in query and high > newest):
        text = "LastUpdatedAfter and LastUpdatedBefore must be no later than two minutes before now."
        return answer_error(400, "InvalidInput", text)
    wanted = query["OrderStatuses"].split(",") if "OrderStatuses" in query else list(STATUSES.values())
    with simulation.world.lock:
        found = [
            order
            for order in simulation.world.list_orders("amazon")
            if low <= order.updated_at <= high and STATUSES[order.status] in wanted
        ]
        found = select_after(found, after)
        page = found[: int(limit)]
        documents = [write_order(order) for order in page]
        following = (page[-1].updated_at, page[-1].serial) if len(found) > len(page) else None
    if simulation.misbehaviour.pick("amazon", "list_orders", REPEATED_CURSOR):
        following = after or FIRST_PLACE
    simulation.spoil_list("amazon", "list_orders", documents)
    payload: dict[str, Any] = {"Orders": documents, "LastUpdatedBefore": write_time(high)}
    if following is not None:
        payload["NextToken"] = write_cursor(query, following)
    return answer_json({"payload": payload})


def ship_order(simulation: Simulation, order_id: str, package: Any) -> Response:
    """Confirm a package: 204. The same packageReferenceId again edits it, and ships nothing twice."""
    try:
        reference = str(package["packageReferenceId"])
        carrier, tracking = str(package["carrierCode"]), str(package["trackingNumber"])
        lines = {int(one["orderItemId"]): int(one["quantity"]) for one in package["orderItems"]}
    except (TypeError, KeyError, ValueError):
        return answer_error(400, "InvalidInput", "packageDetail is incomplete.")
    with simulation.world.lock:
        order = simulation.world.find_order("amazon", order_id)
        if order is None:
            return answer_failure(404)
        key = request.headers.get("Idempotency-Key") or f"confirm_shipment:{order_id}:{reference}"
        applied = reference not in order.meta
        try:
            if order.status == "pending":
                raise Refused("the order is pending")
            if applied:
                shipment = simulation.world.ship_order(order, lines, carrier, tracking)
                order.meta[reference] = str(shipment.id)
        except Refused as reason:
            simulation.pushes.record("amazon", "confirm_shipment", key, order_id, applied=False)
            return answer_error(400, "InvalidInput", f"The shipment cannot be confirmed: {reason}.")
        simulation.pushes.record("amazon", "confirm_shipment", key, order_id, applied=applied)
        return Response(status=204)
