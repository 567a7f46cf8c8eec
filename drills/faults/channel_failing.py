"""A channel's API answers every call with 500: its circuit opens, and no poll works."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("ChannelCircuitOpen",)
DETECT_S = 240.0
RESOLVE_S = 180.0
MAY = {
    "QueueFailures": "failed polls are failed jobs",
    "ChannelPollBehind": "it comes when the fault lasts",
}


def inject(stand: Stand) -> None:
    stand.open_simulator().tell("POST", "/control/misbehave", channel="woocommerce", kind="500")


def heal(stand: Stand) -> None:
    stand.open_simulator().tell("DELETE", "/control/misbehave")
