"""A channel's webhooks do not arrive any more, while orders are placed there: only polls bring them."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("ChannelWebhooksMissing",)
DETECT_S = 180.0
RESOLVE_S = 300.0  # the alert's window
ORDERS = 12


def inject(stand: Stand) -> None:
    simulator = stand.open_simulator()
    simulator.tell("POST", "/control/misbehave", channel="shopify", operation="webhook", kind="never_sends")
    simulator.make_orders("shopify", ORDERS)


def heal(stand: Stand) -> None:
    stand.open_simulator().tell("DELETE", "/control/misbehave")
