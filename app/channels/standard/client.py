"""The standard channel's way out: our own webhook, signed as Standard Webhooks says.

https://www.standardwebhooks.com. The receiver knows a repeat by its `webhook-id`, which is the message's key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from app.channels import pages
from app.channels.base import Page, PushMessage
from app.channels.standard.webhook import Standard
from app.errors import PushRefused, UsageError
from app.outbound.door import Door
from app.outbound.pacing import Pace, call_politely

TYPE = "order.status_changed"
STATUSES = frozenset({"processing", "packed", "shipped", "delivered", "on_hold", "returned", "cancelled"})
RATE_PER_S, BURST = 20.0, 40


class StandardClient:
    name: str = "standard"
    lists: bool = False
    oldest_first: bool = False

    def __init__(
        self, door: Door, secret: str, *, pace: Pace | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._door = door
        self._secret = secret
        self._pace = pace or Pace(RATE_PER_S, BURST)
        self._clock = clock
        Standard().sign(b"{}", secret, TYPE, "check", 0)  # raises ConfigError for a secret that cannot sign

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        """Raises UsageError: this channel only sends."""
        raise UsageError("the channel standard has no list of orders to poll")

    def push(self, message: PushMessage) -> None:
        if message.status not in STATUSES:
            raise PushRefused(f"the standard channel has no word for {message.status}")
        now = self._clock()
        body = orjson.dumps(make_event(message, datetime.fromtimestamp(now, UTC)))
        headers = Standard().sign(body, self._secret, TYPE, message.idempotency_key, now)
        with pages.refuse_final():
            call_politely(self._pace, lambda: self._door.call("push", "POST", "", headers=headers, data=body))


def make_event(message: PushMessage, now: datetime) -> dict[str, Any]:
    """The body; its time is that of the change, or `now` when that is not known."""
    return {
        "type": TYPE,
        "timestamp": pages.format_time(message.happened_at or now),
        "data": {
            "order_external_id": message.order_external_id,
            "status": message.status,
            "carrier": message.carrier,
            "tracking_number": message.tracking_number,
            "tracking_url": message.tracking_url,
        },
    }
