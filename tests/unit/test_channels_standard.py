"""Standard Webhooks: the specification's public test cases, and its PyPI package as an independent sender."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from standardwebhooks.webhooks import Webhook
from werkzeug.datastructures import Headers

from app.channels import CHANNELS, WEBHOOKS, sample
from app.channels.base import Delivery
from app.errors import BadSignature, Malformed, PayloadError

DOOR = WEBHOOKS["standard"]

# The test vector that the specification's reference libraries share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def vector(**changes: str | None) -> Headers:
    headers = {"webhook-id": MESSAGE_ID, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": SIGNATURE}
    changed = headers | {name.replace("_", "-"): value for name, value in changes.items()}
    return Headers({name: value for name, value in changed.items() if value is not None})


def verify(headers: Headers, now: float = TIMESTAMP, secrets: tuple[str, ...] = (SECRET,)) -> Delivery:
    return DOOR.verify(headers, BODY, secrets, now)


def test_public_vector_verifies() -> None:
    assert verify(vector()) == Delivery(MESSAGE_ID, "untyped")


def test_public_vector_is_what_we_sign() -> None:
    assert DOOR.sign(BODY, SECRET, "", MESSAGE_ID, TIMESTAMP)["webhook-signature"] == SIGNATURE


def test_secret_works_without_its_prefix_and_without_its_padding() -> None:
    assert verify(vector(), secrets=(SECRET.removeprefix("whsec_"),))
    padded = "whsec_" + base64.b64encode(b"sixteen bytes ok").decode()
    signature = DOOR.sign(BODY, padded, "", MESSAGE_ID, TIMESTAMP)["webhook-signature"]
    assert verify(vector(webhook_signature=signature), secrets=(padded.rstrip("="),))


@pytest.mark.parametrize("header", ["webhook_id", "webhook_timestamp", "webhook_signature"])
def test_missing_header_is_refused(header: str) -> None:
    with pytest.raises(BadSignature):
        verify(vector(**{header: None}))
    with pytest.raises(BadSignature):
        verify(vector(**{header: ""}))


@pytest.mark.parametrize(
    "timestamp", ["hello", "-1614265330", "1614265330.0", "1_614_265_330", "9" * 400, "١٦١٤٢٦٥٣٣٠"]
)
def test_timestamp_that_is_no_number_is_refused(timestamp: str) -> None:
    with pytest.raises(BadSignature):
        verify(vector(webhook_timestamp=timestamp))


@pytest.mark.parametrize(
    ("seconds", "is_let_in"),
    [(-300.001, False), (-300, True), (-299, True), (0, True), (299, True), (300, True), (300.001, False)],
)
def test_five_minutes_either_way(seconds: float, is_let_in: bool) -> None:
    if is_let_in:
        assert verify(vector(), now=TIMESTAMP + seconds)
        return
    with pytest.raises(BadSignature, match="300 s"):
        verify(vector(), now=TIMESTAMP + seconds)


def test_timestamp_and_id_are_signed() -> None:
    with pytest.raises(BadSignature):
        verify(vector(webhook_timestamp=str(TIMESTAMP + 1)))
    with pytest.raises(BadSignature):
        verify(vector(webhook_id="msg_other"))


@pytest.mark.parametrize(
    "signatures",
    [
        "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " + SIGNATURE,
        SIGNATURE + " v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=",
        "nonsense  , v1 " + SIGNATURE,
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== " + SIGNATURE,
    ],
)
def test_one_good_signature_of_several_is_enough(signatures: str) -> None:
    assert verify(vector(webhook_signature=signatures))


@pytest.mark.parametrize(
    "signature",
    [
        SIGNATURE.removeprefix("v1,"),
        SIGNATURE.replace("v1,", "v2,"),
        SIGNATURE.replace("v1,", "v1a,"),
        SIGNATURE.replace("v1,", "v1, "),
        "v1,",
        "v1",
        SIGNATURE[:-1],
        "v1," + base64.urlsafe_b64encode(base64.b64decode(SIGNATURE[3:])).decode(),
    ],
)
def test_anything_but_the_exact_v1_signature_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        verify(vector(webhook_signature=signature))


def test_two_secrets_at_once() -> None:
    assert verify(vector(), secrets=(OTHER_SECRET, SECRET))
    with pytest.raises(BadSignature):
        verify(vector(), secrets=(OTHER_SECRET,))


def independent_headers(body: bytes, now: float) -> Mapping[str, str]:
    moment = datetime.fromtimestamp(now, UTC)
    return {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": Webhook(SECRET).sign(MESSAGE_ID, moment, body.decode()),
    }


def test_independent_sender_is_let_in() -> None:
    body, now = sample("standard"), time.time()
    headers = Headers(dict(independent_headers(body, now)))
    assert DOOR.verify(headers, body, [SECRET], now) == Delivery(MESSAGE_ID, "order.created")


def test_independent_receiver_lets_us_in() -> None:
    body = sample("standard")
    headers = DOOR.sign(body, SECRET, "order.created", MESSAGE_ID, time.time())
    assert Webhook(SECRET).verify(body, dict(headers)) == orjson.loads(body)


def test_type_of_the_payload_is_bounded() -> None:
    for kind in ("x" * 201, "order created", ""):
        body = orjson.dumps({"type": kind})
        headers = Headers(dict(DOOR.sign(body, SECRET, "", "one", TIMESTAMP)))
        with pytest.raises(Malformed, match="type of the payload"):
            DOOR.verify(headers, body, [SECRET], TIMESTAMP)


def parse(kind: str | None, timestamp: object = "2026-11-22T10:00:00Z", **data: object) -> object:
    return CHANNELS["standard"].parse(
        "whatever", orjson.dumps({"type": kind, "timestamp": timestamp, "data": data}).decode()
    )


SMALLEST = {
    "external_id": "1",
    "channel_status": "pending",
    "placed_at": "2026-11-22T10:00:00Z",
    "currency": "EUR",
    "total": "0",
}


def test_smallest_order_takes_its_version_from_the_envelope() -> None:
    parsed = CHANNELS["standard"].parse(
        "order.updated",
        orjson.dumps({"type": "order.updated", "timestamp": "2026-11-22T12:00:00+01:00", "data": SMALLEST}).decode(),
    )
    assert parsed.order is not None
    assert parsed.order.version == datetime(2026, 11, 22, 11, tzinfo=UTC)
    assert (parsed.order.number, parsed.order.items, parsed.order.customer) == ("1", (), None)
    assert (parsed.order.subtotal, parsed.order.total) == (None, Decimal("0"))


def test_order_carries_its_refunds_and_fulfilments() -> None:
    parsed = CHANNELS["standard"].parse(
        "",
        orjson.dumps(
            {
                "type": "order.refunded",
                "timestamp": "2026-11-22T12:00:00Z",
                "data": SMALLEST
                | {
                    "refunds": [{"external_id": "r", "amount": "1.50"}],
                    "fulfillments": [{"external_id": "f", "status": "shipped"}],
                },
            }
        ).decode(),
    )
    (refund,), (fulfillment,) = parsed.refunds, parsed.fulfillments
    assert (refund.order_external_id, refund.amount, refund.currency) == ("1", Decimal("1.50"), "EUR")
    assert (fulfillment.order_external_id, fulfillment.version) == (
        "1",
        datetime(2026, 11, 22, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize("kind", ["order.deleted", "product.updated", "order.note_added"])
def test_unknown_type_is_ignored(kind: str) -> None:
    parsed = parse(kind, timestamp=None, id=1)
    assert parsed == type(parsed)()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"channel_status": "unknown"}, "channel_status is none of: pending, "),
        ({"channel_status": "Paid"}, "channel_status is none of"),
        ({"channel_status": None}, "channel_status is missing"),
        ({"external_id": ""}, "external_id is missing"),
        ({"placed_at": "2026-11-22T10:00:00"}, "placed_at has no offset from UTC"),
        ({"total": "1,50"}, "total is not a decimal number"),
        (
            {"items": [{"external_id": "1", "name": "x", "quantity": "1"}]},
            r"items\[0\]: unit_price is missing",
        ),
        ({"refunds": ["r"]}, r"refunds\[0\]: is not an object"),
    ],
)
def test_unreadable_order_is_a_payload_error_that_names_the_field(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(PayloadError, match=complaint):
        parse("order.created", **(SMALLEST | change))


def test_payload_without_type_or_timestamp_is_a_payload_error() -> None:
    with pytest.raises(PayloadError, match="type is missing"):
        CHANNELS["standard"].parse("untyped", BODY.decode())
    with pytest.raises(PayloadError, match="timestamp is missing"):
        parse("order.created", timestamp=None, **SMALLEST)
