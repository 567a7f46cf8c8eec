"""Amazon takes eight seconds to tell the items of an order, and ten are new: its poll holds up all others."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("QueueStuck",)
DETECT_S = 90.0
MAY = {"WorkerHeartbeatStale": "a poll beats its worker's heart between its pages, and this page takes too long"}
ORDERS = 10  # on the default clock
ANSWER_S = 8


def inject(stand: Stand) -> None:
    simulator = stand.open_simulator()
    simulator.tell(
        "POST", "/control/misbehave", channel="amazon", operation="list_items", kind="slow_body", seconds=ANSWER_S
    )
    simulator.make_orders("amazon", round(stand.stretch(ORDERS)))


def heal(stand: Stand) -> None:
    stand.open_simulator().tell("DELETE", "/control/misbehave")
