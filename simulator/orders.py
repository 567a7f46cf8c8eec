"""The world: every order the simulated channels have, and how it changes.

What an order is made of depends on the seed, the channel and its number alone; when it changes, on the clock.
Every change gives it a later `updated_at`, never the same: that is its version. Money is Decimal with two places.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP
from random import Random

from app.model import LIFECYCLE_RANK, ChannelStatus
from simulator.catalogue import (
    CENT,
    CHANNEL_NAMES,
    RESOLUTION,
    ChannelName,
    Line,
    Order,
    Refund,
    Shipment,
    build_order,
)


class Refused(Exception):
    """The channel does not allow this change; the text says why."""


@dataclass(frozen=True)
class Change:
    """What has just happened to an order; `shipment` and `refund` are the new ones."""

    created: bool = False
    shipment: Shipment | None = None
    refund: Refund | None = None


class World:
    """All orders. `lock` guards them; `on_change` is called with it held, after each change."""

    def __init__(self, seed: int, clock: Callable[[str], datetime]) -> None:
        """`clock` tells the time of the channel it is given, which may be wrong on purpose."""
        self.lock = threading.RLock()
        self.on_change: Callable[[Order, Change], None] = lambda order, change: None
        self._clock = clock
        self.reset(seed)

    def reset(self, seed: int) -> None:
        with self.lock:
            self.seed = seed
            self._offsets = {name: Random(f"{seed}:{name}").randrange(1_000_000) for name in CHANNEL_NAMES}
            self._orders: dict[str, dict[str, Order]] = {name: {} for name in CHANNEL_NAMES}

    def read_clock(self, channel: str) -> datetime:
        """The channel's time, in the steps of its clock."""
        now, step = self._clock(channel), RESOLUTION[channel]
        return now - (now - datetime.min.replace(tzinfo=UTC)) % step

    def list_orders(self, channel: str) -> list[Order]:
        """Oldest change first."""
        return sorted(self._orders[channel].values(), key=lambda order: (order.updated_at, order.serial))

    def find_order(self, channel: str, external_id: str) -> Order | None:
        return self._orders[channel].get(external_id)

    def make_order(self, channel: ChannelName) -> Order:
        with self.lock:
            order = build_order(
                channel, self.seed, self._offsets[channel], len(self._orders[channel]) + 1, self.read_clock(channel)
            )
            self._orders[channel][order.external_id] = order
            self._finish(order, Change(created=True))
            return order

    def advance_order(self, order: Order) -> bool:
        """The next step of its life; False when it is over."""
        with self.lock:
            while order.plan:
                status = order.plan.pop(0)
                if LIFECYCLE_RANK[status] > LIFECYCLE_RANK[order.status] and self._take_step(order, status):
                    return True
            return False

    def _take_step(self, order: Order, status: ChannelStatus) -> bool:
        try:
            if status == "cancelled":
                self.cancel_order(order)
            elif status == "fulfilled":
                self.ship_order(order, order.list_unshipped())
            elif status == "partially_fulfilled":
                self.ship_order(order, {order.lines[0].id: 1})
            elif status == "partially_refunded":
                self.refund_order(order, order.lines[0])
            elif status == "refunded":
                self.refund_order(order, None)
            else:
                self.set_status(order, status)
        except Refused:
            return False
        return True

    def set_status(self, order: Order, status: ChannelStatus) -> None:
        """Payment became pending, authorized, paid or failed."""
        with self.lock:
            order.status = status
            if status == "paid":
                order.paid_at = self.read_clock(order.channel)
            self._touch(order, Change())

    def ship_order(self, order: Order, lines: Mapping[int, int], carrier: str = "UPS", tracking: str = "") -> Shipment:
        """Ship so many of these lines. Raises Refused for a cancelled order and for more than is left."""
        with self.lock:
            left = order.list_unshipped()
            if order.status in ("cancelled", "failed"):
                raise Refused(f"the order is {order.status}")
            if not lines or any(number < 1 or number > left.get(line, 0) for line, number in lines.items()):
                raise Refused("there is not so much left to ship")
            at = self.read_clock(order.channel)
            shipment_id = order.id * 100 + 50 + len(order.shipments)
            shipment = Shipment(shipment_id, dict(lines), carrier, tracking or f"1Z{shipment_id}", at)
            order.shipments.append(shipment)
            for line in order.lines:
                line.shipped += lines.get(line.id, 0)
            if order.status not in ("partially_refunded", "refunded"):
                order.status = "partially_fulfilled" if order.list_unshipped() else "fulfilled"
            self._touch(order, Change(shipment=shipment))
            return shipment

    def refund_order(self, order: Order, line: Line | None) -> None:
        """Give back one piece of `line`, or all that is left. Raises Refused when that would be nothing or all."""
        with self.lock:
            if line is None:
                amount = order.total - order.money_back
                lines = {one.id: one.quantity - one.refunded for one in order.lines if one.quantity > one.refunded}
            else:
                amount = (line.total / line.quantity).quantize(CENT, ROUND_HALF_UP)
                lines = {line.id: 1}
            if order.paid_at is None or amount <= 0 or (line and amount >= order.total - order.money_back):
                raise Refused("there is nothing to give back")
            at = self.read_clock(order.channel)
            refund = Refund(order.id * 100 + 70 + len(order.refunds), lines, amount, at)
            order.refunds.append(refund)
            for one in order.lines:
                one.refunded += lines.get(one.id, 0)
            order.status = "refunded" if line is None else "partially_refunded"
            self._touch(order, Change(refund=refund))

    def cancel_order(self, order: Order) -> None:
        """Raises Refused for an order that was shipped or cancelled before."""
        with self.lock:
            if order.status == "cancelled":
                raise Refused("the order has already been cancelled")
            if order.shipments:
                raise Refused("the order has shipments")
            order.status, order.cancelled_at = "cancelled", self.read_clock(order.channel)
            self._touch(order, Change())

    def _touch(self, order: Order, change: Change) -> None:
        now = self.read_clock(order.channel)
        order.updated_at = max(now, order.updated_at + RESOLUTION[order.channel])
        self._finish(order, change)

    def _finish(self, order: Order, change: Change) -> None:
        order.changes += 1
        self.on_change(order, change)

    def iterate_orders(self) -> Iterable[Order]:
        for orders in self._orders.values():
            yield from orders.values()
