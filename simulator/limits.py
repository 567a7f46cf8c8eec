"""Request budgets, as the channels count them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Bucket:
    """A bucket of `capacity` requests that `refill` requests a second flow out of; `speed` multiplies the latter."""

    def __init__(self, capacity: int, refill: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity = capacity
        self.refill = refill
        self.speed = 1.0
        self._clock = clock
        self._lock = threading.Lock()
        self._level = 0.0
        self._seen = clock()

    @property
    def rate(self) -> float:
        """Requests a second that are allowed for long."""
        return self.refill * self.speed

    def take(self) -> bool:
        """Count a request; False when the bucket is full, and the request is not counted."""
        with self._lock:
            now = self._clock()
            self._level = max(0.0, self._level - (now - self._seen) * self.rate)
            self._seen = now
            if self._level + 1 > self.capacity:
                return False
            self._level += 1
            return True

    @property
    def used(self) -> int:
        return int(self._level)

    def empty(self) -> None:
        with self._lock:
            self._level = 0.0
