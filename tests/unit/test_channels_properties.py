"""Properties that hold for any payload: what is signed is let in, numbers survive, and parsing fails in one way."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from app.channels import CHANNELS, WEBHOOKS, sample
from app.channels.shopify.parse import SHAPES
from app.channels.standard.parse import FULFILLMENT_TYPES, ORDER_TYPES, REFUND_TYPES
from app.channels.woocommerce.parse import TOPICS
from app.errors import BadSignature, PayloadError
from app.model import ParsedDelivery

NOW = 1_790_000_000.0
SECRETS = st.sampled_from(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
LABELS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=150)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=15,
)
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
STORABLE_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STORABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORABLE, inner, max_size=5),
    max_leaves=15,
)
KNOWN_TOPICS = {
    "shopify": sorted(SHAPES),
    "woocommerce": sorted(TOPICS),
    "standard": sorted(ORDER_TYPES | REFUND_TYPES | FULFILLMENT_TYPES),
}
quick = settings(max_examples=60, deadline=None, database=None)
every_channel = pytest.mark.parametrize("channel", sorted(WEBHOOKS))


@every_channel
@quick
@given(data=st.data(), secret=SECRETS, delivery_id=LABELS, topic=LABELS)
def test_what_is_signed_is_let_in_and_nothing_else(
    channel: str, data: st.DataObject, secret: str, delivery_id: str, topic: str
) -> None:
    door = WEBHOOKS[channel]
    extra = data.draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
    body = orjson.dumps(extra | {"id": 1, "type": topic})
    headers = Headers(dict(door.sign(body, secret, topic, delivery_id, NOW)))
    delivery = door.verify(headers, body, [secret], NOW)
    assert delivery.topic == topic
    assert delivery.delivery_id.startswith(delivery_id)
    place = data.draw(st.integers(0, len(body) - 1))
    spoilt = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    with pytest.raises(BadSignature):
        door.verify(headers, spoilt, [secret], NOW)


@every_channel
@quick
@given(number=st.integers(1, 10**15), price=st.from_regex(r"[1-9][0-9]{0,12}\.[0-9]{1,25}", fullmatch=True))
def test_renumbered_order_is_the_same_under_another_number(channel: str, number: int, price: str) -> None:
    door = WEBHOOKS[channel]
    document = orjson.loads(sample(channel))
    items = (document.get("data") or document).get("items") or document["line_items"]
    items[0]["unit_price" if channel == "standard" else "price"] = orjson.Fragment(price)
    body = orjson.dumps(document)
    topic = door.choose_topic(body)
    before = CHANNELS[channel].parse(topic, body.decode()).order
    after = CHANNELS[channel].parse(topic, door.renumber(body, number).decode()).order
    assert before is not None
    assert after is not None
    assert (after.external_id, after.number.lstrip("#")) == (str(number), str(number))
    for field in set(before.__slots__) - {"external_id", "number"}:
        assert getattr(after, field) == getattr(before, field), field
    assert str(after.items[0].unit_price) == price


@every_channel
def test_renumbered_refunds_and_fulfilments_follow_their_order(channel: str) -> None:
    bodies = {
        "shopify": [b'{"id": 1, "order_id": 2, "refund_line_items": []}', b'{"id": 1, "order_id": 2}'],
        "standard": [b'{"type": "refund.created", "data": {"external_id": "1", "order_external_id": "2"}}'],
        "woocommerce": [],
    }
    for body in bodies[channel]:
        assert WEBHOOKS[channel].renumber(body, 77).count(b"77") == 2


def test_renumbered_parts_of_a_shopify_order_follow_it() -> None:
    body = b'{"id": 1, "fulfillments": [{"id": 5, "order_id": 1}, null], "refunds": [{"id": 6, "order_id": 1}]}'
    document = orjson.loads(WEBHOOKS["shopify"].renumber(body, 9))
    assert document["fulfillments"] == [{"id": 5, "order_id": 9}, None]
    assert document["refunds"] == [{"id": 6, "order_id": 9}]


@every_channel
@quick
@given(value=STORABLE_JSON)
def test_renumber_keeps_everything_else(channel: str, value: Any) -> None:
    renumbered = WEBHOOKS[channel].renumber(json.dumps({"data": {}, "x": value}).encode(), 5)
    assert json.dumps(json.loads(renumbered)["x"]) == json.dumps(value)


@every_channel
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"data": []}' * 2, b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}"]
)
def test_renumber_of_what_is_no_order_is_a_payload_error(channel: str, body: bytes) -> None:
    with pytest.raises(PayloadError):
        WEBHOOKS[channel].renumber(body, 5)


def try_to_parse(channel: str, topic: str, payload: str) -> None:
    try:
        parsed = CHANNELS[channel].parse(topic, payload)
    except PayloadError:
        return
    assert isinstance(parsed, ParsedDelivery)


@every_channel
@quick
@given(data=st.data(), value=JSON)
def test_arbitrary_json_raises_nothing_but_payload_error(channel: str, data: st.DataObject, value: Any) -> None:
    topic = data.draw(st.sampled_from(KNOWN_TOPICS[channel]))
    try_to_parse(channel, topic, json.dumps(value))
    try_to_parse(channel, topic, json.dumps({"type": topic, "timestamp": "2026-01-01T00:00:00Z", "data": value}))


@every_channel
@settings(max_examples=150, deadline=None, database=None)
@given(data=st.data(), value=JSON)
def test_spoilt_order_raises_nothing_but_payload_error(channel: str, data: st.DataObject, value: Any) -> None:
    """Arbitrary JSON rarely gets past the first field: here one field of a good order is arbitrary."""
    document = orjson.loads(sample(channel))
    topic = WEBHOOKS[channel].choose_topic(sample(channel))
    container: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(container) if isinstance(container, dict) else range(len(container))))
        inner = container[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            container[key] = value
            break
        container = inner
    try_to_parse(channel, topic, json.dumps(document))
