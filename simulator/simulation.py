"""One simulation: the world, what misbehaves, who may ask, what was pushed. Every module of the APIs shares it."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from flask import Request, Response

from simulator.catalogue import Order
from simulator.limits import Bucket
from simulator.misbehaviour import DUPLICATE, REORDER, Misbehaviour
from simulator.orders import Change, World
from simulator.webhooks import WebhookSender

# What a channel's module makes of a change: topics and bodies of its webhooks.
ListEvents = Callable[[Order, Change], Iterable[tuple[str, Mapping[str, Any]]]]


@dataclass(frozen=True)
class Credentials:
    """What a caller must show. Field names are the names of the settings and of the files that hold them."""

    shopify_api_token: str
    woocommerce_api_key: str
    woocommerce_api_secret: str
    amazon_client_id: str
    amazon_client_secret: str
    amazon_refresh_token: str
    standard_push_secret: str
    simulator_control_token: str


@dataclass
class Push:
    """One push, by its key: how often it was received, and how often that changed something."""

    channel: str
    operation: str
    idempotency_key: str
    order_external_id: str
    received: int = 0
    applied: int = 0


class PushLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pushes: dict[tuple[str, str], Push] = {}

    def record(
        self, channel: str, operation: str, key: str, order_external_id: str, *, applied: bool | None = None
    ) -> None:
        """Count one push; `applied` None: it changes something when its key comes for the first time."""
        with self._lock:
            push = self._pushes.setdefault((channel, key), Push(channel, operation, key, order_external_id))
            push.applied += push.received == 0 if applied is None else applied
            push.received += 1

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(push) for push in self._pushes.values()]

    def clear(self) -> None:
        with self._lock:
            self._pushes.clear()


class Simulation:
    """`events` has the channels that send webhooks; `webhook_secrets` those whose secret is known."""

    def __init__(
        self,
        credentials: Credentials,
        events: Mapping[str, ListEvents],
        *,
        seed: int = 0,
        target: str | None = None,
        webhook_secrets: Mapping[str, str] | None = None,
        token_life_s: float = 3600.0,
        amazon_lag_s: float = 0.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.credentials = credentials
        self.token_life_s = token_life_s
        self.amazon_lag_s = amazon_lag_s
        self._clock = clock
        self._events = events
        self.misbehaviour = Misbehaviour(seed)
        self.world = World(seed, self.read_time)
        self.world.on_change = self._send_webhooks
        self.webhooks = WebhookSender(target, webhook_secrets or {}, self.misbehaviour, self.read_time)
        self.pushes = PushLog()
        self.tokens: dict[str, float] = {}
        # Shopify's standard plan, and SP-API's usage plans of the Orders API.
        self.buckets = {
            "shopify": Bucket(40, 2.0),
            "amazon.list_orders": Bucket(20, 0.0167),
            "amazon.get_order": Bucket(30, 0.5),
            "amazon.list_items": Bucket(30, 0.5),
            "amazon.confirm_shipment": Bucket(10, 2.0),
        }

    def read_time(self, channel: str) -> datetime:
        """The channel's time: ours, unless its clock is off."""
        return self._clock() + timedelta(seconds=self.misbehaviour.read_clock_error(channel))

    def _send_webhooks(self, order: Order, change: Change) -> None:
        if order.channel in self._events:
            for topic, document in self._events[order.channel](order, change):
                self.webhooks.send(order.channel, topic, orjson.dumps(document))

    def spoil_list(self, channel: str, operation: str, documents: list[Any]) -> None:
        """Let a page name an order twice, or its orders in no order, when that is wished for."""
        if documents and self.misbehaviour.pick(channel, operation, DUPLICATE):
            documents.append(documents[0])
        if self.misbehaviour.pick(channel, operation, REORDER):
            self.misbehaviour.shuffle(documents)

    def set_speed(self, factor: float) -> None:
        """Multiply what every limit allows for long by `factor`."""
        for bucket in self.buckets.values():
            bucket.speed = factor
            bucket.empty()

    def is_token_alive(self, token: str) -> bool:
        return self.tokens.get(token, 0.0) > time.monotonic()

    def expire_tokens(self) -> None:
        """End the life of every access token now."""
        for token in list(self.tokens):
            self.tokens[token] = 0.0

    def reset(self, seed: int | None = None) -> None:
        """Forget all orders, pushes, rules, webhooks and tokens."""
        chosen = self.world.seed if seed is None else seed
        self.misbehaviour.reset(chosen)
        self.world.reset(chosen)
        self.webhooks.reset()
        self.pushes.clear()
        self.tokens.clear()
        self.set_speed(1.0)


def answer_json(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, dict(headers or {}), mimetype="application/json")


def is_same(given: str | None, wanted: str) -> bool:
    """Compare a secret in constant time."""
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object of the body; an empty one for anything else."""
    document = request.get_json(silent=True)
    return document if isinstance(document, dict) else {}


def read_instant(text: str) -> datetime | None:
    """ISO 8601 as UTC, zoneless as UTC; None when it is no date and time."""
    try:
        time_read = datetime.fromisoformat(text.strip().replace(" ", "+"))
        return time_read.astimezone(UTC) if time_read.tzinfo else time_read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
