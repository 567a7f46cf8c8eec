"""When a demo counts as complete: everything stored once as the channel has it, and the channel told once."""

from __future__ import annotations

import pytest

from stack.demo import ChannelResult, DemoResult, PushResult

WHOLE = ChannelResult("shopify", made=20, by_webhook=20, by_poll=0, stored=20)
POLLED = ChannelResult("amazon", made=20, by_webhook=0, by_poll=20, stored=20)
TOLD = PushResult("shopify", "1001", received=1, applied=1)


def test_everything_stored_and_told_is_complete() -> None:
    assert DemoResult([WHOLE, POLLED], TOLD, {"paid": 40}).is_complete
    twice = PushResult("shopify", "1001", received=2, applied=1)
    assert DemoResult([WHOLE, POLLED], twice, {"paid": 40}).is_complete
    every_status = PushResult("standard", "S-1", received=3, applied=2, messages=2)
    assert DemoResult([WHOLE, POLLED], every_status, {"paid": 40}).is_complete


@pytest.mark.parametrize(
    ("channel", "push"),
    [
        (ChannelResult("amazon", 20, 0, 20, 19), TOLD),
        (ChannelResult("amazon", 20, 0, 19, 19), TOLD),
        (POLLED, None),
        (POLLED, PushResult("shopify", "1001", received=0, applied=0)),
        (POLLED, PushResult("shopify", "1001", received=2, applied=2)),
        (POLLED, PushResult("standard", "S-1", received=3, applied=3, messages=2)),
    ],
    ids=["not as it is there", "one is missing", "none shipped", "not told", "done twice", "one done twice"],
)
def test_anything_less_is_not(channel: ChannelResult, push: PushResult | None) -> None:
    assert not DemoResult([WHOLE, channel], push, {}).is_complete
