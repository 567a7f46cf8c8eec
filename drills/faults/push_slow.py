"""A channel takes eight seconds to answer a push, and 20 orders are shipped: their only worker is busy for minutes."""

from __future__ import annotations

from drills.shipments import CHANNEL, ship_orders
from drills.stand import Stand

EXPECT = ("WorkersBusy", "QueueOldestJobAge/page")
DETECT_S = 180.0
RESOLVE_S = 120.0
MAY = {
    "QueueOldestJobAge/warning": "it comes before the page",
    "StatusPushBehind": "the last orders' messages wait as long as their jobs",
}
ORDERS = 20  # on the default clock
ANSWER_S = 8


def inject(stand: Stand) -> None:
    stand.open_simulator().tell(
        "POST", "/control/misbehave", channel=CHANNEL, operation="update", kind="slow_body", seconds=ANSWER_S
    )
    ship_orders(stand, round(stand.stretch(ORDERS)))


def heal(stand: Stand) -> None:
    stand.open_simulator().tell("DELETE", "/control/misbehave")
