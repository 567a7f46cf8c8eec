"""A channel answers every push with 500: an order is shipped, and the channel is not told, try after try."""

from __future__ import annotations

from drills.shipments import CHANNEL, ship_orders
from drills.stand import Stand

EXPECT = ("StatusPushBehind",)
DETECT_S = 180.0
RESOLVE_S = 360.0  # the next try is up to five minutes away, on any clock
MAY = {"JobRetryStorm": "a push that fails is tried again"}


def inject(stand: Stand) -> None:
    stand.open_simulator().tell("POST", "/control/misbehave", channel=CHANNEL, operation="update", kind="500")
    ship_orders(stand, 1)


def heal(stand: Stand) -> None:
    stand.open_simulator().tell("DELETE", "/control/misbehave")
