"""Statuses pushed over HTTP: once or several times comes to the same, and a refusal for good is told from a bad day."""

from __future__ import annotations

import traceback
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app.channels.base import PushMessage
from app.channels.standard.client import StandardClient
from app.errors import CallFailed, PushRefused
from app.outbound.door import Door
from tests.doors import Asked, Reply, open_shop
from tests.shops import SECRET, Rush, open_client

AT = datetime(2026, 11, 22, 10, 3, tzinfo=UTC)
SHIPPED = PushMessage("status", "4711", "shipped", "push-1", AT, "DHL", "JD0001", "https://track.example/JD0001")
CANCELLED = replace(SHIPPED, status="cancelled")
NAMES = ("shopify", "woocommerce", "amazon", "standard")
TOKEN = Reply({"access_token": "Atza|token", "expires_in": 3600})
ITEMS = [
    {"OrderItemId": "11", "QuantityOrdered": 3, "QuantityShipped": 1},
    {"OrderItemId": "12", "QuantityOrdered": 1, "QuantityShipped": 1},
]


class Stage:
    """What a channel holds of one order, and its API around it."""

    def __init__(self, name: str, state: str) -> None:
        self.name = name
        self.state = state
        self.writes: list[Asked] = []
        self.failures: list[
            Reply
        ] = []  # answered to writes, one by one; the write is done all the same when it is a 500

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            return TOKEN
        if asked.method == "GET":
            return self._read(asked)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and failure.status != 500:
            return failure
        self.writes.append(asked)
        if self.name == "woocommerce":
            self.state = asked.json["status"]
        else:
            self.state = "cancelled" if asked.path.endswith("/cancel.json") else "closed"
        return failure or Reply({}, 201 if self.name == "shopify" else 204 if self.name == "amazon" else 200)

    def _read(self, asked: Asked) -> Reply:
        if self.name == "woocommerce":
            return Reply({"id": 4711, "status": self.state})
        if self.name == "amazon":
            if asked.path.endswith("/orderItems"):
                return Reply({"payload": {"OrderItems": ITEMS}})
            status = {"open": "Unshipped", "closed": "Shipped"}.get(self.state, self.state)
            return Reply({"payload": {"OrderStatus": status, "MarketplaceId": "M1"}})
        if asked.path.endswith("/fulfillment_orders.json"):
            return Reply({"fulfillment_orders": [{"id": 1, "status": self.state}, {"id": 2, "status": "cancelled"}]})
        return Reply({"order": {"id": 4711, "cancelled_at": "2026-11-22" if self.state == "cancelled" else None}})


START = {"shopify": "open", "woocommerce": "processing", "amazon": "open"}
BODIES: dict[str, tuple[str, str, Any]] = {
    "shopify": (
        "POST",
        "/admin/api/2024-10/fulfillments.json",
        {
            "fulfillment": {
                "line_items_by_fulfillment_order": [{"fulfillment_order_id": 1}],
                "notify_customer": False,
                "tracking_info": {"number": "JD0001", "company": "DHL", "url": "https://track.example/JD0001"},
            }
        },
    ),
    "woocommerce": ("PUT", "/wp-json/wc/v3/orders/4711", {"status": "completed"}),
    "amazon": (
        "POST",
        "/orders/v0/orders/4711/shipmentConfirmation",
        {
            "marketplaceId": "M1",
            "packageDetail": {
                "packageReferenceId": "1",
                "carrierCode": "DHL",
                "trackingNumber": "JD0001",
                "shipDate": "2026-11-22T10:03:00Z",
                "orderItems": [{"orderItemId": "11", "quantity": 2}],
            },
        },
    ),
}


@pytest.mark.parametrize("name", START)
def test_shipped_is_told_once_however_often_it_is_pushed(name: str) -> None:
    stage = Stage(name, START[name])
    with open_client(name, stage.answer) as (client, _):
        for _ in range(3):
            client.push(SHIPPED)
        (write,) = stage.writes
        assert (write.method, write.path, write.json) == BODIES[name]


@pytest.mark.parametrize("name", START)
def test_a_lost_answer_does_not_lead_to_a_second_one(name: str) -> None:
    """The channel does what it was asked, and fails to say so."""
    stage = Stage(name, START[name])
    stage.failures = [Reply({}, 500)]
    with open_client(name, stage.answer) as (client, _):
        with pytest.raises(CallFailed):
            client.push(SHIPPED)
        client.push(SHIPPED)
        assert len(stage.writes) == 1


@pytest.mark.parametrize("name", ["shopify", "woocommerce"])
def test_cancelled_is_told_once(name: str) -> None:
    stage = Stage(name, START[name])
    with open_client(name, stage.answer) as (client, shop):
        client.push(CANCELLED)
        client.push(CANCELLED)
        (write,) = stage.writes
        paths = {"shopify": "/admin/api/2024-10/orders/4711/cancel.json", "woocommerce": "/wp-json/wc/v3/orders/4711"}
        assert write.path == paths[name]
        assert write.json == ({} if name == "shopify" else {"status": "cancelled"})
        assert shop.asked[0].method == "GET"


def test_a_cancellation_that_somebody_was_faster_with_is_one() -> None:
    states = [None, "2026-11-22T10:00:00Z"]

    def answer(asked: Asked) -> Reply:
        return Reply({"order": {"cancelled_at": states.pop(0)}}) if asked.method == "GET" else Reply({}, 422)

    with open_client("shopify", answer) as (client, _):
        client.push(CANCELLED)
        assert states == []


@pytest.mark.parametrize("name", ["shopify", "amazon"])
@pytest.mark.parametrize("status", [400, 422])
def test_a_shipment_that_somebody_was_faster_with_is_one(name: str, status: int) -> None:
    """An earlier try that had seemed lost gets through between this one's reading and its writing."""
    stage = Stage(name, START[name])

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET" or asked.path == "/token":
            return stage.answer(asked)
        stage.state = "closed"
        return Reply({}, status)

    with open_client(name, answer) as (client, _):
        client.push(SHIPPED)
        assert stage.state == "closed"


@pytest.mark.parametrize("name", ["shopify", "amazon"])
def test_a_shipment_that_is_refused_and_still_open_is_refused(name: str) -> None:
    stage = Stage(name, START[name])
    stage.failures = [Reply({}, 422)]
    with open_client(name, stage.answer) as (client, _), pytest.raises(PushRefused, match="422"):
        client.push(SHIPPED)
    assert stage.writes == []


@pytest.mark.parametrize(
    ("name", "state", "message", "sentence"),
    [
        ("shopify", "on_hold", SHIPPED, "holds the fulfilment"),
        ("shopify", "cancelled", SHIPPED, "nothing to fulfil"),
        ("woocommerce", "refunded", SHIPPED, "the order is refunded in woocommerce"),
        ("amazon", "Canceled", SHIPPED, "the order is Canceled at amazon"),
        ("amazon", "open", CANCELLED, "amazon has no word for cancelled"),
        ("shopify", "open", replace(SHIPPED, status="returned"), "no word for returned"),
        ("woocommerce", "open", replace(SHIPPED, status="packed"), "no word for packed"),
        ("standard", "open", replace(SHIPPED, status="new"), "no word for new"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(
    name: str, state: str, message: PushMessage, sentence: str
) -> None:
    stage = Stage(name, state)
    with open_client(name, stage.answer) as (client, _), pytest.raises(PushRefused, match=sentence):
        client.push(message)
    assert stage.writes == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 503])
def test_final_refusals_are_told_from_bad_days(name: str, status: int) -> None:
    def answer(asked: Asked) -> Reply:
        return TOKEN if asked.path == "/token" else Reply({"errors": SECRET}, status, {"Retry-After": "0"})

    with open_client(name, answer) as (client, _):
        wanted = CallFailed if status in (401, 403, 408, 409, 429) or status >= 500 else PushRefused
        with pytest.raises(wanted) as caught:
            client.push(SHIPPED)
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert str(status) in str(caught.value)


def count_paths(asked: list[Asked], path: str) -> int:
    return sum(one.path == path for one in asked)


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_is_renewed_once(status: int) -> None:
    tokens = iter(range(100))
    good: set[str] = {"t1"}

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            return Reply({"access_token": f"t{next(tokens)}", "expires_in": 3600})
        if asked.headers["x-amz-access-token"] not in good:
            return Reply({}, status)
        return Reply({"payload": {"OrderStatus": "Shipped"}})

    with open_client("amazon", answer) as (client, shop):
        client.push(SHIPPED)
        client.push(SHIPPED)
        assert [asked.headers.get("x-amz-access-token") for asked in shop.asked] == [None, "t0", None, "t1", "t1"]
        good.clear()
        with pytest.raises((CallFailed, PushRefused)):
            client.push(SHIPPED)
        assert count_paths(shop.asked, "/token") == 3


@pytest.mark.parametrize(("lifetime", "logins"), [(3600, 1), (61, 1), (60, 3), (0, 3), ("x", 3)])
def test_a_token_is_kept_until_a_minute_before_its_end(lifetime: object, logins: int) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            return Reply({"access_token": "t", "expires_in": lifetime})
        return Reply({"payload": {"OrderStatus": "Shipped"}})

    with open_client("amazon", answer) as (client, shop):
        for _ in range(3):
            client.push(SHIPPED)
        assert count_paths(shop.asked, "/token") == logins
        login = next(asked for asked in shop.asked if asked.path == "/token")
        assert login.body == (
            f"grant_type=refresh_token&refresh_token=Atzr%7C{SECRET}&client_id=client&client_secret={SECRET}".encode()
        )


@pytest.mark.parametrize(
    "reply", [Reply({}, 400), Reply({}, 401), Reply({}), Reply({"access_token": "a\nb"}), Reply(b"")]
)
def test_a_login_that_fails_refuses_no_push(reply: Reply) -> None:
    with open_client("amazon", lambda _: reply) as (client, _), pytest.raises(CallFailed) as caught:
        client.push(SHIPPED)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_an_order_id_is_a_piece_of_a_path_and_nothing_more() -> None:
    for name in ("shopify", "woocommerce", "amazon"):
        stage = Stage(name, START[name])
        with open_client(name, stage.answer) as (client, shop):
            client.push(replace(SHIPPED, order_external_id="../4711?x=1#\r\n"))
            assert all(
                "%2F4711%3Fx%3D1%23%0D%0A" in one.path or one.path in ("/token", BODIES["shopify"][1])
                for one in shop.asked
            )


def test_the_standard_push_is_a_signed_webhook() -> None:
    with open_client("standard", lambda _: Reply({}, 202)) as (client, shop):
        client.push(SHIPPED)
        client.push(SHIPPED)
        first, second = shop.asked
        # An independent implementation of the specification takes it.
        event = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(
            first.body.decode(), {name.lower(): value for name, value in first.headers.items()}
        )
        assert event == {
            "type": "order.status_changed",
            "timestamp": "2026-11-22T10:03:00Z",
            "data": {
                "order_external_id": "4711",
                "status": "shipped",
                "carrier": "DHL",
                "tracking_number": "JD0001",
                "tracking_url": "https://track.example/JD0001",
            },
        }
        assert (first.headers["webhook-id"], second.headers["webhook-id"]) == ("push-1", "push-1")
        assert first.body == second.body


def test_a_message_without_its_time_takes_now() -> None:
    with open_shop(lambda _: Reply({})) as shop:
        door = Door("standard", shop.url, allow=frozenset([shop.place]))
        client = StandardClient(door, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", pace=Rush(), clock=AT.timestamp)
        client.push(PushMessage("status", "1", "packed", "k"))
        assert shop.asked[0].json["timestamp"] == "2026-11-22T10:03:00Z"
