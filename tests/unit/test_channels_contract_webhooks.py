"""The one contract of every channel that sends webhooks: what is let in, what is not, and renumbering."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from app.channels import CHANNELS, WEBHOOKS, check_secrets, sample
from app.channels.base import Delivery
from app.errors import BadSignature, Malformed, PayloadError
from app.model import Order
from tests.channels import NOW, OTHER_SECRET, SECRET, find_signature, read_bodies, sign

LABELS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=150)
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
STORABLE_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STORABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORABLE, inner, max_size=5),
    max_leaves=15,
)
GARBAGE = [
    b"",
    b"{",
    b"not json",
    b"[]",
    b'"id"',
    b"null",
    b'{"id": NaN}',
    b'{"id": 1, "note": "\\ud800", "n": NaN}',
    b'{"id": 1, "note": "\xff"}',
    b'{"id": 1, "note": "\\ud800\xff"}',
    b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"id":"\\ud800","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]
every_webhook = pytest.mark.parametrize("channel", sorted(WEBHOOKS))
quick = settings(max_examples=60, deadline=None, database=None)


def choose_topic(channel: str) -> str:
    return WEBHOOKS[channel].choose_topic(sample(channel))


def sign_sample(channel: str, secret: str = SECRET) -> Headers:
    return sign(channel, sample(channel), choose_topic(channel), secret=secret)


def verify(channel: str, headers: Any, body: bytes, secrets: Sequence[str] = (SECRET,)) -> Delivery:
    return WEBHOOKS[channel].verify(headers, body, secrets, NOW)


@every_webhook
@quick
@given(data=st.data(), secret=st.sampled_from([SECRET, OTHER_SECRET]), delivery_id=LABELS)
def test_what_is_signed_is_let_in_and_nothing_else(
    channel: str, data: st.DataObject, secret: str, delivery_id: str
) -> None:
    body = data.draw(st.sampled_from(read_bodies(channel)))
    topic = WEBHOOKS[channel].choose_topic(body)
    headers = sign(channel, body, topic, secret=secret, delivery_id=delivery_id)
    delivery = verify(channel, headers, body, [secret])
    assert delivery.topic == topic
    assert delivery.delivery_id.startswith(delivery_id)
    assert verify(channel, headers, body, [secret]) == delivery, "sent again, it is the same delivery"
    place = data.draw(st.integers(0, len(body) - 1))
    spoilt = body[:place] + bytes([body[place] ^ data.draw(st.integers(1, 255))]) + body[place + 1 :]
    for changed in (spoilt, body + b" ", body[:-1], b""):
        with pytest.raises(BadSignature):
            verify(channel, headers, changed, [secret])


@every_webhook
@quick
@given(text=st.text(st.characters(min_codepoint=1, max_codepoint=0xFF)))
def test_no_other_signature_is_let_in(channel: str, text: str) -> None:
    headers = sign_sample(channel)
    name = find_signature(channel)
    if text != headers[name]:
        with pytest.raises(BadSignature):
            verify(channel, dict(headers) | {name: text}, sample(channel))


@every_webhook
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text[:-4],
        lambda text: text + "A",
        lambda text: text.swapcase(),
        lambda text: "not base64 at all!",
        lambda text: "\N{SNOWMAN}",
        lambda text: "\udc80",
        lambda text: ",".join(["v1"] * 50),
    ],
)
def test_a_spoilt_signature_is_refused(channel: str, spoil: Callable[[str], str]) -> None:
    headers, name = dict(sign_sample(channel)), find_signature(channel)
    with pytest.raises(BadSignature):
        verify(channel, headers | {name: spoil(headers[name])}, sample(channel))


@every_webhook
def test_what_is_not_signed_is_refused(channel: str) -> None:
    headers = sign_sample(channel)
    headers.remove(find_signature(channel))
    for unsigned in (headers, Headers()):
        for body in (sample(channel), b"", b"not json"):
            with pytest.raises(BadSignature):
                verify(channel, unsigned, body)


@every_webhook
def test_header_names_have_no_case(channel: str) -> None:
    headers = Headers({name.upper(): value for name, value in sign_sample(channel).items()})
    assert verify(channel, headers, sample(channel)).topic == choose_topic(channel)


@every_webhook
def test_old_and_new_secret_are_both_good_during_a_rotation_and_no_other(channel: str) -> None:
    body = sample(channel)
    for secret in (SECRET, OTHER_SECRET):
        headers = sign_sample(channel, secret)
        for secrets in ([SECRET, OTHER_SECRET], [OTHER_SECRET, SECRET]):
            assert verify(channel, headers, body, secrets)
        for secrets in ([], [OTHER_SECRET if secret == SECRET else SECRET]):
            with pytest.raises(BadSignature):
                verify(channel, headers, body, secrets)
    check_secrets({channel: [SECRET, OTHER_SECRET]})


@every_webhook
@pytest.mark.parametrize("body", GARBAGE)
def test_signed_garbage_is_malformed_and_unsigned_garbage_is_not_even_read(channel: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        verify(channel, sign(channel, body, choose_topic(channel)), body)
    with pytest.raises(BadSignature):
        verify(channel, sign(channel, body, choose_topic(channel), secret=OTHER_SECRET), body)
    with suppress(Malformed):  # where the topic is a header, any body will do
        WEBHOOKS[channel].choose_topic(body)


@every_webhook
@pytest.mark.parametrize("delivery_id", ["x" * 201, "new\nline", "a b", "\N{SNOWMAN}", "\x7f"])
def test_a_delivery_id_is_bounded_and_printable(channel: str, delivery_id: str) -> None:
    body = sample(channel)
    headers = dict(WEBHOOKS[channel].sign(body, SECRET, choose_topic(channel), delivery_id, NOW))
    with pytest.raises(Malformed):
        verify(channel, headers, body)


@every_webhook
def test_half_a_surrogate_pair_loses_no_order(channel: str) -> None:
    body = sample(channel).rstrip()[:-1] + b', "note": "cut short \\ud83d"}'
    delivery = verify(channel, sign(channel, body, choose_topic(channel)), body)
    assert CHANNELS[channel].parse(delivery.topic, body.decode()).order


@every_webhook
def test_a_signed_order_is_no_connection_test(channel: str) -> None:
    webhook = WEBHOOKS[channel]
    assert not webhook.is_ping(sign_sample(channel), sample(channel))
    assert sign_sample(channel)["Content-Type"] in webhook.content_types


def read_order(channel: str, body: bytes) -> Order:
    topic = WEBHOOKS[channel].choose_topic(body)
    delivery = verify(channel, sign(channel, body, topic), body)
    order = CHANNELS[channel].parse(delivery.topic, body.decode()).order
    assert order
    return order


@every_webhook
def test_the_sample_is_a_paid_order_with_items(channel: str) -> None:
    order = read_order(channel, sample(channel))
    assert (order.channel_status, bool(order.items), order.total > 0) == ("paid", True, True)
    assert order.customer
    assert order.customer.email
    assert order.customer.email.endswith("@example.com")


@every_webhook
@quick
@given(number=st.integers(1, 10**15))
def test_a_renumbered_order_is_the_same_under_another_number(channel: str, number: int) -> None:
    before = read_order(channel, sample(channel))
    after = read_order(channel, WEBHOOKS[channel].renumber(sample(channel), number))
    assert (after.external_id, after.number.lstrip("#")) == (str(number), str(number))
    for name in {field.name for field in fields(Order)} - {"external_id", "number"}:
        assert getattr(after, name) == getattr(before, name), name


@every_webhook
def test_what_belongs_to_an_order_is_renumbered_with_it(channel: str) -> None:
    for body in read_bodies(channel):
        topic = WEBHOOKS[channel].choose_topic(body)
        before = CHANNELS[channel].parse(topic, body.decode())
        after = CHANNELS[channel].parse(topic, WEBHOOKS[channel].renumber(body, 77).decode())
        assert {one.order_external_id for one in (*after.refunds, *after.fulfillments)} <= {"77"}
        assert (len(after.refunds), len(after.fulfillments)) == (len(before.refunds), len(before.fulfillments))


@every_webhook
@quick
@given(value=STORABLE_JSON)
def test_renumbering_keeps_everything_else(channel: str, value: Any) -> None:
    body = orjson.dumps(orjson.loads(sample(channel)) | {"a field of the test": 0})
    body = body.replace(b'"a field of the test":0', b'"a field of the test":' + json.dumps(value).encode())
    renumbered = json.loads(WEBHOOKS[channel].renumber(body, 5))
    assert json.dumps(renumbered["a field of the test"]) == json.dumps(value)
    assert set(renumbered) == set(json.loads(body))


@every_webhook
@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"data": []}' * 2, GARBAGE[-2]])
def test_renumbering_what_is_no_order_is_a_payload_error(channel: str, body: bytes) -> None:
    with pytest.raises(PayloadError):
        WEBHOOKS[channel].renumber(body, 5)
