"""What a run came to, and whether that is good enough."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a run must keep. Ratios are 0 to 1."""

    failure_ratio: float
    accept_p99_ms: float
    list_p95_ms: float


@dataclass(frozen=True, slots=True)
class Times:
    """Response times of some requests: how many there were of each number of milliseconds."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def merge(cls, parts: Iterable[Mapping[int, int]]) -> Times:
        total: Counter[int] = Counter()
        for part in parts:
            total.update(part)
        return cls(total)

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    def find_percentile(self, percent: float) -> int:
        """Milliseconds within which `percent` of the requests were answered. Raises ValueError when there are none."""
        if not self.number:
            raise ValueError("there are no times")
        rank = math.ceil(self.number * percent / 100)
        seen = 0
        for milliseconds in sorted(self.counts):
            seen += self.counts[milliseconds]
            if seen >= rank:
                return milliseconds
        raise AssertionError("a percentile above 100 was asked for")

    def describe(self, *percents: float) -> str:
        if not self.number:
            return "none"
        return ", ".join(f"p{percent:g} {self.find_percentile(percent)} ms" for percent in percents)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the deliveries that were accepted, so many seconds after the load ended."""

    states: Mapping[str, int]
    seconds: float

    @property
    def accepted(self) -> int:
        return sum(self.states.values())

    @property
    def done(self) -> int:
        return self.states.get("done", 0)

    def describe_rest(self) -> str:
        return ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()) if state != "done")


@dataclass(frozen=True, slots=True)
class Measured:
    """A run. `stored` is None when nobody looked; without an operator there are no lists to time."""

    requests: int
    failures: int
    accept: Times
    lists: Times
    has_operator: bool
    has_channels: bool
    crashes: int = 0  # of the load's own code
    stored: Stored | None = None


def judge(measured: Measured, wanted: Thresholds) -> list[str]:
    """What was missed, in sentences; nothing when the run was good."""
    if not measured.requests:
        return ["not one request was made"]
    missed = []
    ratio = measured.failures / measured.requests
    if ratio > wanted.failure_ratio:
        missed.append(f"{ratio:.2%} of {measured.requests} requests failed, {wanted.failure_ratio:.2%} may")
    if measured.crashes:
        missed.append(f"{measured.crashes} tasks ended in an exception, shown above")
    for present, name, times, percent, limit in (
        (measured.has_channels, "webhook accept", measured.accept, 99, wanted.accept_p99_ms),
        (measured.has_operator, "lists", measured.lists, 95, wanted.list_p95_ms),
    ):
        if not present:
            continue
        if not times.number:
            missed.append(f"{name}: not one was timed; let it run longer")
        elif (found := times.find_percentile(percent)) > limit:
            missed.append(f"{name} p{percent} is {found} ms, {limit:g} ms is allowed")
    if measured.stored is not None and measured.stored.done < measured.stored.accepted:
        missed.append(
            f"of {measured.stored.accepted} accepted deliveries, {measured.stored.done} were stored "
            f"within {measured.stored.seconds:.1f} s ({measured.stored.describe_rest()})"
        )
    return missed
