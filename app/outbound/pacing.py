"""How fast a channel may be called: a token bucket that follows what the channel answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from app.errors import CallFailed

# Longest a channel may ask to be left alone; more is taken for a mistake. Seconds.
LONGEST_RETRY_S = 3600.0
# For a channel that says "too often" and not how long. Seconds.
DEFAULT_PAUSE_S = 1.0
TRIES = 3
T = TypeVar("T")


class Pace:
    """A bucket of `burst` calls that is refilled with `rate_per_s` calls a second. Not for several threads.

    A wait of up to `longest_wait_s` is slept through; for a longer one the caller is told to come again, so that
    no job sits on a worker.
    """

    def __init__(
        self,
        rate_per_s: float,
        burst: int,
        *,
        longest_wait_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._longest_wait_s = longest_wait_s
        self._clock = clock
        self._sleep = sleep
        self._left = float(burst)
        self._filled_at = clock()
        self._paused_until = 0.0

    def take(self, calls: int = 1) -> None:
        """Take what `calls` calls (at most the burst) need, all at once.

        Raises CallFailed("rate_limited") with `retry_after_s`, and takes nothing, when that is too far off.
        """
        wait_s = self._measure_wait(calls)
        if wait_s > self._longest_wait_s:
            raise CallFailed("rate_limited", f"the channel may be called again in {wait_s:.0f} s", retry_after_s=wait_s)
        if wait_s > 0:
            self._sleep(wait_s)
            self._fill()
        self._left -= calls

    def pause(self, seconds: float) -> None:
        """Nothing may be called for so long: the channel said so, and it knows of other callers."""
        self._paused_until = max(self._paused_until, self._clock() + min(seconds, LONGEST_RETRY_S))
        self._left = min(self._left, 1.0)

    def learn_rate(self, rate_per_s: float) -> None:
        """The channel's own word on the rate, from the header of an answer."""
        self._fill()
        self._rate_per_s = rate_per_s

    def learn_left(self, left: float) -> None:
        """The channel's own word on how many calls are left in its bucket: it has counted those of others, too."""
        self._fill()
        self._left = min(self._burst, left)

    def _measure_wait(self, calls: int) -> float:
        self._fill()
        missing = min(calls, self._burst) - self._left
        return max(self._paused_until - self._clock(), missing / self._rate_per_s, 0.0)

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._filled_at) * self._rate_per_s)
        self._filled_at = now


def call_politely(pace: Pace, call: Callable[[], T]) -> T:
    """`call`, when `pace` has room for it; again when the channel asks for a short pause, three times in all.

    Raises what `call` raises, and CallFailed("rate_limited") when the channel wants a longer pause.
    """
    for tries_left in reversed(range(TRIES)):
        pace.take()
        try:
            return call()
        except CallFailed as error:
            if error.outcome != "rate_limited":
                raise
            pace.pause(DEFAULT_PAUSE_S if error.retry_after_s is None else error.retry_after_s)
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def read_retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds a channel asks to be left alone, from `Retry-After` (seconds, which Shopify writes with a fraction,
    or a date) or from Amazon's `x-amzn-RateLimit-Limit` (calls a second); None when it says nothing readable.
    """
    after = headers.get("retry-after", "").strip()
    seconds = read_number(after)
    if seconds is None and after:
        seconds = _read_seconds_until(after, now or datetime.now(UTC))
    if seconds is None:
        rate = read_number(headers.get("x-amzn-ratelimit-limit", ""))
        seconds = 1 / rate if rate else None
    return None if seconds is None else min(seconds, LONGEST_RETRY_S)


def read_number(text: str) -> float | None:
    """A decimal number of plain digits that is not negative; None for anything else."""
    whole, _, fraction = text.strip().partition(".")
    if not whole.isascii() or not whole.isdigit() or len(text) > 20 or (fraction and not fraction.isdigit()):
        return None
    return float(text)


def _read_seconds_until(text: str, now: datetime) -> float | None:
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        return None
    return max((when - now).total_seconds(), 0.0)
