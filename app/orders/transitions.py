"""What operators may do with an order next: the one table of transitions.

Operators move an order's *progress*. Apart from it stands what the channel says; when the channel has
cancelled or refunded an order, that is the order's status, and progress stands still.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from app.model import OVERRIDING

Progress = Literal["new", "processing", "packed", "shipped", "delivered", "on_hold", "returned", "cancelled"]

PROGRESSES: tuple[Progress, ...] = get_args(Progress)

TRANSITIONS: Mapping[Progress, frozenset[Progress]] = {
    "new": frozenset({"processing", "on_hold", "cancelled"}),
    "processing": frozenset({"packed", "on_hold", "cancelled"}),
    "packed": frozenset({"shipped", "processing", "on_hold", "cancelled"}),
    "shipped": frozenset({"delivered", "returned"}),
    "delivered": frozenset({"returned"}),
    "on_hold": frozenset({"processing", "cancelled"}),
    "returned": frozenset(),
    "cancelled": frozenset(),
}

# Every value the column orders.status can have.
STATUSES: tuple[str, ...] = (*PROGRESSES, *sorted(OVERRIDING - set(PROGRESSES)))


def explain_refusal(current: Progress, channel_status: str, wanted: Progress) -> str | None:
    """Why an order may not go from `current` to `wanted`, as a sentence; None when it may."""
    if channel_status in OVERRIDING:
        return f"the channel has {channel_status} this order, so its status can no longer be changed here"
    allowed = TRANSITIONS[current]
    if wanted in allowed:
        return None
    if not allowed:
        return f"the order is {current}, which is its last status"
    return f"an order that is {current} can become {', '.join(sorted(allowed))}; not {wanted}"


def list_next(current: Progress, channel_status: str) -> list[Progress]:
    """Where an order may go from here, in the order of PROGRESSES."""
    return [to for to in PROGRESSES if explain_refusal(current, channel_status, to) is None]
