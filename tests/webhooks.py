"""A webhook on its whole way through its channel, for the tests of channels."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from werkzeug.datastructures import Headers

from app.channels import CHANNELS, WEBHOOKS
from app.model import ParsedDelivery

PAYLOADS = Path(__file__).parent / "payloads"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def receive(channel: str, topic: str, body: bytes) -> ParsedDelivery:
    """What is stored of `body`: signed by its channel, verified, parsed from the text the inbox keeps."""
    door, now = WEBHOOKS[channel], time.time()
    headers = Headers(dict(door.sign(body, SECRET, topic, "delivery-1", now)))
    delivery = door.verify(headers, body, [SECRET], now)
    assert delivery.topic == topic
    return CHANNELS[channel].parse(delivery.topic, body.decode())


def read_payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)
