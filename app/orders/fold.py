"""Which version of an order stands: the newest by the channel's clock, whatever order deliveries come in.

Pure functions over plain values: the convergence of the whole service rests on them, so they are easy to test.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.model import FIRST_VERSION, Order, Standing, Version, effective_status


@dataclass(frozen=True, slots=True)
class Arrival:
    """One parsed delivery that carries an order, in the sequence it was received."""

    inbox_id: int
    order: Order
    version: Version
    request_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """One event in an order's life that this batch causes."""

    inbox_id: int
    type: str
    from_value: str | None
    to_value: str | None
    request_id: str


@dataclass(slots=True)
class Folded:
    """The result for one order: the arrival that stands (None when the store's version does), and the events."""

    winner: Arrival | None = None
    changes: list[Change] = field(default_factory=list)


# What a delivery did to its order, by the event it caused.
RESULTS = {
    "order_created": "created",
    "channel_status_changed": "updated",
    "order_updated": "updated",
    "delivery_stale": "stale",
}


def fold_arrivals(standing: Standing, arrivals: Iterable[Arrival]) -> Folded:
    """Apply `arrivals` in the sequence of their receipt to what stands."""
    folded = Folded()
    version, status = standing.version, standing.channel_status
    for arrival in arrivals:
        new = arrival.order.channel_status
        if version != FIRST_VERSION and arrival.version <= version:
            kind, new_status = "delivery_stale", status
        elif version == FIRST_VERSION:
            kind, new_status = "order_created", new
        else:
            kind, new_status = "channel_status_changed" if new != status else "order_updated", new
        folded.changes.append(Change(arrival.inbox_id, kind, status, new_status, arrival.request_id))
        if kind == "delivery_stale":
            continue
        before, after = effective_status(status, standing.progress), effective_status(new, standing.progress)
        if before != after:
            folded.changes.append(Change(arrival.inbox_id, "status_changed", before, after, arrival.request_id))
        folded.winner, version, status = arrival, arrival.version, new
    return folded
