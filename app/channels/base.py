"""What every channel's folder provides: `CHANNEL`, with a parser and, as far as there are, webhooks and an API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.model import ParsedDelivery, PolledOrder
from app.outbound.door import Door

MAX_ID_LENGTH = 200  # characters; delivery ids and topics become keys and log fields


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified webhook: who sent it, under which id, about what. The body is kept apart, untouched."""

    delivery_id: str
    topic: str


class Headers(Protocol):
    """Case-insensitive request headers, as werkzeug and requests have them."""

    def get(self, key: str, /) -> str | None: ...


class Webhook(Protocol):
    """How a channel signs what it sends."""

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


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a channel's list. `next_cursor` is opaque, and None on the last page."""

    orders: tuple[PolledOrder, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PushMessage:
    """What a channel is to be told of one order: `status` is ours (`shipped`, `delivered`, `cancelled`, ...).

    The same `idempotency_key` means the same message. `happened_at`, in UTC, is left out when it is not known.
    """

    kind: str
    order_external_id: str
    status: str
    idempotency_key: str
    happened_at: datetime | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None


class Client(Protocol):
    """The way out to one sales channel."""

    name: str
    lists: bool  # False: the channel has no list of orders to poll
    oldest_first: bool  # its pages are in the order of change

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        """One page of the orders changed in the period, oldest change first where the API can.

        Begin with `cursor` None, then hand in the cursor of the page before, with the same period. An order may
        come on two pages. Raises CallFailed, with "bad_answer" also for a cursor or a page that repeats itself.
        """
        ...

    def push(self, message: PushMessage) -> None:
        """Tell the channel; once or several times comes to the same.

        Raises CallFailed when it may work later, PushRefused when it never will.
        """
        ...


Parse = Callable[[str, str], ParsedDelivery]
"""Topic and stored body -> orders, refunds, fulfilments. Raises PayloadError, and nothing else."""
# What a parser's bug may raise all the same: one delivery's failure, not the batch's or the list's. A job's timeout is
# none of them.
PARSER_BUGS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Api:
    """A channel's own API: how its client is made, and what that can do.

    `needed` are names of the channel's settings: the first is the address that switches the client on, and the
    others must then be there. `operations` are the label values of the calls it makes, `pushes` those of our
    statuses that the channel has a word for; every other one is PushRefused.
    """

    needed: tuple[str, ...]
    operations: tuple[str, ...]
    pushes: frozenset[str]
    make: Callable[[Door, Mapping[str, Any]], Client]


@dataclass(frozen=True, slots=True)
class Channel:
    """One sales channel; its folder's name is its name. Without a `webhook` it is polled only."""

    parse: Parse
    webhook: Webhook | None = None
    api: Api | None = None
