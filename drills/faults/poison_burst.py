"""A channel signs deliveries that are no orders: each is tried five times, then put into quarantine."""

from __future__ import annotations

from drills.deliveries import deliver
from drills.stand import Stand

EXPECT = ("QuarantineGrew",)
DETECT_S = 90.0  # five tries take 15 s on any clock
RESOLVE_S = 180.0  # the alert's window
MAY = {"InboxOldestAge": "tries take 15 s on any clock: above a tenth of its minute, and below its minute"}
POISON = 20


def inject(stand: Stand) -> None:
    for _ in range(POISON):
        deliver(stand, b'{"id": 4711, "line_items": "none of them is an item"}')


def heal(stand: Stand) -> None:
    """Nothing to do: the last one came long ago, and the window passes."""
