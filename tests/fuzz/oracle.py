"""What must hold for any bytes that a channel may send: for the fuzzer, for its kept corpus, for the contract's tests.

An input is text of a few lines and then a body:

    parse     topic, payload
    webhook   topic, delivery id, a signature, body
    client    cursor, the header Link, body of every answer
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from app.channel_settings import FOLDER
from app.channels import CHANNELS, WEBHOOKS
from app.channels.base import MAX_ID_LENGTH, Delivery
from app.errors import BadSignature, CallFailed, Malformed, PalmonasError, PayloadError, PushRefused
from app.outbound.door import Answer
from tests.channels import (
    NOW,
    SECRET,
    SINCE,
    find_signature,
    make_client,
    make_message,
    read_answers,
    read_bodies,
    sign,
)
from tests.channels import read_deliveries as read_good_deliveries

LINES = {"parse": 1, "webhook": 3, "client": 2}  # before the body
_PLACE = re.compile(r"\[[0-9]+\]")
_WORD = re.compile(r"\w+")
_LABEL = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_LENGTH}}}")


@cache
def read_vocabulary() -> frozenset[str]:
    """Every word in the code of the channels."""
    paths = [*FOLDER.rglob("*.py"), *(Path(FOLDER.parent) / name for name in ("errors.py", "model.py"))]
    return frozenset(word for path in paths for word in _WORD.findall(path.read_text(encoding="utf-8")))


def check_error(error: PalmonasError) -> None:
    """An error is shown and logged: its words come from our code, and none from what was sent."""
    foreign = set(_WORD.findall(_PLACE.sub("", str(error)))) - read_vocabulary()
    assert not foreign, f"{type(error).__name__} quotes what was sent: {sorted(foreign)}"
    assert error.__cause__ is None, "a cause may quote what it could not read"
    assert error.__context__ is None or error.__suppress_context__, "so may a context"


def check_value(value: Any) -> None:
    """What is parsed can be stored: texts that PostgreSQL holds, finite numbers, times in UTC."""
    if isinstance(value, str):
        assert value, "what is absent is None"
        assert "\0" not in value
        value.encode("utf-8")
    elif isinstance(value, Decimal):
        assert value.is_finite()
        assert -400 < value.adjusted() < 400
    elif isinstance(value, datetime):
        assert value.utcoffset() == timedelta(0)
    elif isinstance(value, tuple):
        for one in value:
            check_value(one)
    elif is_dataclass(value):
        for field in fields(value):
            check_value(getattr(value, field.name))


def check_parse(channel: str, topic: str, payload: str) -> None:
    """It is read, or it is a PayloadError that quotes nothing."""
    try:
        parsed = CHANNELS[channel].parse(topic, payload)
    except PayloadError as error:
        check_error(error)
        return
    check_value(parsed)


def check_webhook(channel: str, topic: str, delivery_id: str, signature: str, body: bytes) -> None:
    """Signed, it is let in or malformed; with another signature it is not let in; what it says changes nothing."""
    webhook = WEBHOOKS[channel]
    headers = sign(channel, body, topic, delivery_id=delivery_id)
    verified = _try(lambda: webhook.verify(headers, body, [SECRET], NOW), Malformed, BadSignature)
    if verified:
        assert isinstance(verified, Delivery)
        assert _LABEL.fullmatch(verified.delivery_id)
        assert _LABEL.fullmatch(verified.topic)
    name = find_signature(channel)
    if signature != headers[name]:
        forged = {key: signature if key == name else value for key, value in headers.items()}
        assert _try(lambda: webhook.verify(forged, body, [SECRET], NOW), BadSignature) is None, "forged, and let in"
    assert webhook.is_ping(headers, body) in (True, False)
    chosen = _try(lambda: webhook.choose_topic(body), Malformed)
    renumbered = _try(lambda: webhook.renumber(body, 7), PayloadError)
    if chosen and renumbered and verified:
        check_parse(channel, chosen, renumbered.decode("utf-8"))


def check_client(channel: str, cursor: str, link: str, body: bytes) -> None:
    """An answer is used, or the call has failed."""
    answer = Answer(200, {"link": link}, body)
    answers = {"": answer, "token": read_answers(channel)["token"]}
    for first in ({}, {"token": answer}):
        client, _ = make_client(channel, answers | first)
        if client.lists:
            page = _try(lambda client=client: client.list_orders(SINCE, None, cursor or None), CallFailed)  # type: ignore[misc]
            for order in page.orders if page else ():
                assert 0 < len(order.external_id) <= MAX_ID_LENGTH
                assert order.version is None or order.version.utcoffset() == timedelta(0)
                check_parse(channel, order.topic, order.payload)
    api = CHANNELS[channel].api
    assert api
    for status in sorted(api.pushes):
        client, _ = make_client(channel, answers)
        _try(lambda client=client, status=status: client.push(make_message(status)), CallFailed, PushRefused)  # type: ignore[misc]


def _try(call: Callable[[], Any], *declared: type[PalmonasError]) -> Any:
    """What `call` returns, or None when it raises one of its declared errors, with nothing in it."""
    try:
        return call()
    except declared as error:
        check_error(error)
        return None


def run_parse(channel: str, data: bytes) -> None:
    topic, payload = _split(data, LINES["parse"])
    check_parse(channel, topic, payload.decode("utf-8", "replace"))


def run_webhook(channel: str, data: bytes) -> None:
    topic, delivery_id, signature, body = _split(data, LINES["webhook"])
    check_webhook(channel, topic, delivery_id, signature, body)


def run_client(channel: str, data: bytes) -> None:
    cursor, link, body = _split(data, LINES["client"])
    check_client(channel, cursor, link, body)


def _split(data: bytes, lines: int) -> list[Any]:
    parts = data.split(b"\n", lines)
    parts += [b""] * (lines + 1 - len(parts))
    return [*(part.decode("latin-1").replace("\r", " ") for part in parts[:-1]), parts[-1]]


def _join(*parts: str | bytes) -> bytes:
    return b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts)


def list_targets() -> dict[str, tuple[Callable[[bytes], None], list[bytes]]]:
    """Everything there is to fuzz, by `<channel>/<part>`: how an input is run, and the inputs to begin with."""
    found: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {}
    for name, channel in CHANNELS.items():
        seeds = [_join(topic, payload) for topic, payload in read_good_deliveries(name)]
        found[f"{name}/parse"] = (lambda data, name=name: run_parse(name, data)), seeds  # type: ignore[misc]
        if channel.webhook:
            seeds = [_join(channel.webhook.choose_topic(body), "one", "none", body) for body in read_bodies(name)]
            found[f"{name}/webhook"] = (lambda data, name=name: run_webhook(name, data)), seeds  # type: ignore[misc]
        if channel.api:
            link = '<https://channel.example/orders.json?page_info=next>; rel="next"'
            seeds = [_join("1763647445.1", link, answer.body) for answer in read_answers(name).values()]
            found[f"{name}/client"] = (lambda data, name=name: run_client(name, data)), seeds  # type: ignore[misc]
    return found
