"""The token bucket by a clock of its own, and what channels write about waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import CallFailed
from app.outbound.pacing import LONGEST_RETRY_S, Pace, call_politely, read_number, read_retry_after


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def make_pace(rate: float, burst: int, longest_wait_s: float = 5.0) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(rate, burst, longest_wait_s=longest_wait_s, clock=clock.read, sleep=clock.sleep), clock


def test_a_burst_is_free_and_then_the_rate_counts() -> None:
    pace, clock = make_pace(2.0, 3)
    for _ in range(5):
        pace.take()
    assert clock.slept == [0.5, 0.5]


def test_a_long_wait_is_the_callers() -> None:
    pace, clock = make_pace(0.1, 1)
    pace.take()
    with pytest.raises(CallFailed) as caught:
        pace.take()
    assert (caught.value.outcome, caught.value.retry_after_s, clock.slept) == ("rate_limited", 10.0, [])
    clock.now += 10
    pace.take()


def test_a_pause_holds_for_everyone() -> None:
    pace, clock = make_pace(10, 10)
    pace.pause(3)
    pace.take()
    assert clock.slept == [3.0]
    pace.pause(60)
    with pytest.raises(CallFailed, match="may be called again in 60 s"):
        pace.take()


def test_the_channels_word_counts() -> None:
    pace, clock = make_pace(2.0, 40)
    pace.learn_left(0)
    pace.take()
    assert clock.slept == [0.5]
    pace.learn_rate(10)
    pace.take()
    assert clock.slept == [0.5, pytest.approx(0.1)]
    pace.learn_left(30)
    for _ in range(30):
        pace.take()
    assert len(clock.slept) == 2
    pace.learn_left(99)  # of a larger bucket than ours: no more than the burst
    for _ in range(41):
        pace.take()
    assert len(clock.slept) == 3


@given(
    st.floats(0.01, 100),
    st.integers(1, 50),
    st.lists(st.tuples(st.sampled_from(["take", "pause", "rate"]), st.floats(0, 100)), max_size=60),
)
def test_never_more_calls_than_burst_and_rate_allow(rate: float, burst: int, steps: list[tuple[str, float]]) -> None:
    pace, clock = make_pace(rate, burst, longest_wait_s=1e9)
    started, calls = clock.now, 0
    for kind, number in steps:
        if kind == "take":
            pace.take()
            calls += 1
        elif kind == "pause":
            pace.pause(number)
        else:
            pace.learn_rate(min(rate, number + 0.01))
        assert calls <= burst + (clock.now - started) * rate + 1e-6


def fail_with(*retry_after_s: float | None) -> tuple[list[int], Callable[[], str]]:
    made: list[int] = []

    def call() -> str:
        made.append(1)
        if len(made) <= len(retry_after_s):
            raise CallFailed("rate_limited", "too often", status=429, retry_after_s=retry_after_s[len(made) - 1])
        return "answer"

    return made, call


def test_a_short_pause_is_waited_for() -> None:
    pace, clock = make_pace(100, 100)
    made, call = fail_with(2.0, None)
    assert call_politely(pace, call) == "answer"
    assert (len(made), clock.slept) == (3, [2.0, 1.0])


def test_the_third_refusal_is_the_last_and_a_long_pause_is_not_waited_for() -> None:
    pace, clock = make_pace(100, 100)
    made, call = fail_with(0.0, 0.0, 0.0, 0.0)
    with pytest.raises(CallFailed, match="too often"):
        call_politely(pace, call)
    assert len(made) == 3
    pace, clock = make_pace(100, 100)
    made, call = fail_with(30.0)
    with pytest.raises(CallFailed, match="again in 30 s") as caught:
        call_politely(pace, call)
    assert (len(made), clock.slept, caught.value.retry_after_s) == (1, [], 30.0)


NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:01:00 GMT"}, 60.0),
        ({"retry-after": "Sun, 22 Nov 2026 09:01:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2036 09:01:00 GMT"}, LONGEST_RETRY_S),
        ({"retry-after": "99999999"}, LONGEST_RETRY_S),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"x-amzn-ratelimit-limit": "0.5"}, 2.0),
        ({"x-amzn-ratelimit-limit": "0"}, None),
        ({"x-amzn-ratelimit-limit": "0.0"}, None),
        ({"x-amzn-ratelimit-limit": "0.5", "retry-after": "7"}, 7.0),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers, NOW) == seconds


@given(st.text())
def test_a_number_is_plain_digits_or_none(text: str) -> None:
    found = read_number(text)
    assert found is None or (found >= 0 and found == float(text))
