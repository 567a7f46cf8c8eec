"""What a channel's folder and its payloads give the tests that hold every channel to one contract: all by looking.

A payload in `tests/payloads/<channel>` is a webhook's body, unless `answers.toml` beside it says which operation of the
channel's API it answers.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Headers

from app.channel_settings import BY_CHANNEL, TYPES
from app.channels import CHANNELS, WEBHOOKS, sample
from app.channels.base import Client, PushMessage
from app.config import PREFIX, Config
from app.errors import CallFailed
from app.model import PolledOrder
from app.outbound.door import Answer, Door

PAYLOADS = Path(__file__).parent / "payloads"
NOW = 1_790_000_000.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
# No reading of one page needs more calls than this; a client that goes on asking is stopped.
CALLS_OF_A_PAGE = 8
VALUES = {
    "signing_secrets": SECRET,
    "credential": SECRET,
    "web_address": "https://channel.example",
    "words": "one",
    "text": "text",
}


def configure(channel: str) -> Config:
    """All settings of `channel`, each with a value that fits its type."""
    types = {read: name for name, (read, _) in TYPES.items()}
    return Config({PREFIX + one.name: VALUES[types[one.read]] for one in BY_CHANNEL[channel].values()})


class CannedDoor(Door):
    """A door to nowhere, so without TLS and breaker: each operation has one answer, "" stands for all others."""

    def __init__(
        self, channel: str, answers: Mapping[str, Answer]
    ) -> None:  # without TLS and breaker: it has no way out
        self.channel = channel
        self.calls: list[str] = []
        self._answers = answers

    def call(self, operation: str, method: str, path_or_url: str, *, json_body: Any = None, **_: Any) -> Answer:
        self.calls.append(operation)
        json.dumps(json_body)  # what the real door would send
        answer = self._answers.get(operation) or self._answers.get("")
        if answer is None or len(self.calls) > CALLS_OF_A_PAGE:
            raise CallFailed("connection", f"there is no more to {operation}")
        return answer


def make_client(channel: str, answers: Mapping[str, Answer]) -> tuple[Client, CannedDoor]:
    api = CHANNELS[channel].api
    assert api
    door = CannedDoor(channel, answers)
    return api.make(door, configure(channel).read_channel(channel)), door


@cache
def read_answers(channel: str) -> dict[str, Answer]:
    """What the channel's API answers to each operation, by `answers.toml`; a login is answered by one of ours."""
    folder = PAYLOADS / channel
    names = tomllib.loads((folder / "answers.toml").read_text()) if (folder / "answers.toml").exists() else {}
    found = {operation: Answer(200, {}, (folder / name).read_bytes()) for operation, name in names.items()}
    return {"token": Answer(200, {}, b'{"access_token": "token", "expires_in": 3600}')} | found


@cache
def read_bodies(channel: str) -> tuple[bytes, ...]:
    """The bodies of webhooks among the payloads, the sample first."""
    answers = {answer.body for answer in read_answers(channel).values()}
    paths = sorted((PAYLOADS / channel).glob("*.json"))
    return (sample(channel), *(body for path in paths if (body := path.read_bytes()) not in answers))


@cache
def poll(channel: str) -> tuple[PolledOrder, ...]:
    """The orders in the channel's own list; none when it has no list."""
    if CHANNELS[channel].api is None:
        return ()
    client, _ = make_client(channel, read_answers(channel))
    return client.list_orders(SINCE, None, None).orders if client.lists else ()


@cache
def read_deliveries(channel: str) -> tuple[tuple[str, str], ...]:
    """Topic and payload of everything that the payloads hold for `parse`."""
    webhook = CHANNELS[channel].webhook
    sent = [(webhook.choose_topic(body), body.decode()) for body in read_bodies(channel)] if webhook else []
    return (*sent, *((order.topic, order.payload) for order in poll(channel)))


def sign(channel: str, body: bytes, topic: str, *, secret: str = SECRET, delivery_id: str = "one") -> Headers:
    return Headers(dict(WEBHOOKS[channel].sign(body, secret, topic, delivery_id, NOW)))


@cache
def find_signature(channel: str) -> str:
    """The name of the header that changes with the secret."""
    body = sample(channel)
    topic = WEBHOOKS[channel].choose_topic(body)
    one, other = (sign(channel, body, topic, secret=secret) for secret in (SECRET, OTHER_SECRET))
    (name,) = (name for name, value in one.items() if other[name] != value)
    return name


def make_message(status: str) -> PushMessage:
    return PushMessage(
        "status_changed", "1001", status, "order-1001-1", SINCE, "Carrier", "N-1", "https://track.example/1"
    )
