"""What every channel module provides, and the helpers they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.model import ParsedDelivery

MAX_ID_LENGTH = 200  # characters; delivery ids and topics become keys and log fields


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified webhook: who sent it, under which id, about what. The body is kept apart, untouched."""

    delivery_id: str
    topic: str


class Headers(Protocol):
    """Case-insensitive request headers, as werkzeug and requests have them."""

    def get(self, key: str, /) -> str | None: ...


class Channel(Protocol):
    """One sales channel."""

    name: str
    content_types: tuple[str, ...]

    def is_ping(self, headers: Headers, body: bytes) -> bool:
        """True for a connection test that is answered 200 and not kept."""
        ...

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> Delivery:
        """Check the signature over the raw body in constant time, then name the delivery.

        `now` is Unix seconds. Raises BadSignature (also for a missing header or a stale timestamp) and
        Malformed (signed, but not JSON or without an id).
        """
        ...

    def sign(self, body: bytes, secret: str, topic: str, delivery_id: str, now: float) -> Mapping[str, str]:
        """The headers with which this channel would send `body`: for `palmonas send` and the tests."""
        ...

    def choose_topic(self, body: bytes) -> str:
        """The topic that fits `body`, for `palmonas send`. Raises Malformed when it is not a JSON object."""
        ...

    def renumber(self, body: bytes, number: int) -> bytes:
        """The same order under another id and number, for `palmonas send --count` and load tests.

        Raises PayloadError when `body` cannot be read.
        """
        ...

    def parse(self, topic: str, payload: str) -> ParsedDelivery:
        """Turn a stored body into orders, refunds and fulfilments. Raises PayloadError."""
        ...
