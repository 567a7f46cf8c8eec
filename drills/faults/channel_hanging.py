"""A channel's API takes calls and does not answer: no poll of it works."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("ChannelPollBehind",)
DETECT_S = 360.0
RESOLVE_S = 180.0
MAY = {
    "QueueFailures": "failed polls are failed jobs",
    "ChannelCircuitOpen": "calls that time out open the circuit",
    "WorkersBusy": "the worker of polls waits in each call until its deadline",
}


def inject(stand: Stand) -> None:
    stand.open_simulator().tell(
        "POST", "/control/misbehave", channel="woocommerce", operation="list_orders", kind="hang", seconds=60
    )


def heal(stand: Stand) -> None:
    stand.open_simulator().tell("DELETE", "/control/misbehave")
