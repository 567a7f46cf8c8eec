"""Misbehaviour on command: which channel does what wrong, how often, how long. The dice are seeded."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

# kind -> what it may be asked of: an API's answers, its lists, the webhooks, the channel's clock
ANSWERS = frozenset({"401", "403", "429", "500", "hang", "lost_answer", "slow_body", "truncated_body"})
LISTS = frozenset({"repeated_cursor", "duplicate", "reorder"})
WEBHOOKS = frozenset({"never_sends", "duplicate", "reorder"})
CLOCK = "clock_off"
KINDS = ANSWERS | LISTS | WEBHOOKS | {CLOCK}
WEBHOOK_OPERATION = "webhook"
REPEATED_CURSOR = frozenset({"repeated_cursor"})
DUPLICATE, REORDER = frozenset({"duplicate"}), frozenset({"reorder"})
NEVER_SENDS = frozenset({"never_sends"})

# Unless told otherwise: long enough to run out of any client's patience, but not of a test's.
SECONDS = {"hang": 30.0, "slow_body": 30.0, "429": 2.0, "reorder": 2.0, CLOCK: 600.0}
LONGEST_S = 120.0
LARGEST_CLOCK_ERROR_S = 86_400.0


@dataclass
class Rule:
    """`rate` is a probability, `count` how often it may still happen (None: without end)."""

    id: int
    channel: str
    operation: str
    kind: str
    rate: float
    count: int | None
    seconds: float
    happened: int = field(default=0)

    def concerns(self, channel: str, operation: str) -> bool:
        return self.channel in ("*", channel) and self.operation in ("*", operation)


class Misbehaviour:
    """The rules in force. `ended` is set when the simulator stops, so that nobody hangs on."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self.ended = threading.Event()
        self.reset(seed)

    def reset(self, seed: int) -> None:
        with self._lock:
            self._random = Random(f"{seed}:misbehaviour")
            self._rules: list[Rule] = []
            self._made = 0

    def add(
        self,
        channel: str,
        kind: str,
        *,
        operation: str = "*",
        rate: float = 1.0,
        count: int | None = None,
        seconds: float | None = None,
    ) -> Rule:
        """Put a rule in force; `seconds` None means those of SECONDS."""
        with self._lock:
            self._made += 1
            waited = SECONDS.get(kind, 0.0) if seconds is None else seconds
            rule = Rule(self._made, channel, operation, kind, rate, count, waited)
            self._rules.append(rule)
            return rule

    def clear(self, rule_id: int | None = None) -> None:
        with self._lock:
            self._rules = [rule for rule in self._rules if rule_id is not None and rule.id != rule_id]

    def describe(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def pick(self, channel: str, operation: str, kinds: frozenset[str]) -> Rule | None:
        """The first rule of one of `kinds` whose turn it is now; it is counted as having happened."""
        with self._lock:
            for rule in self._rules:
                if rule.kind not in kinds or not rule.concerns(channel, operation) or rule.count == 0:
                    continue
                if self._random.random() < rule.rate:
                    rule.count = None if rule.count is None else rule.count - 1
                    rule.happened += 1
                    return rule
            return None

    def shuffle(self, things: list[Any]) -> None:
        with self._lock:
            self._random.shuffle(things)

    def draw_delay(self, longest_s: float) -> float:
        with self._lock:
            return self._random.uniform(0, longest_s)

    def read_clock_error(self, channel: str) -> float:
        """Seconds by which the channel's clock is wrong now."""
        with self._lock:
            return sum(rule.seconds for rule in self._rules if rule.kind == CLOCK and rule.concerns(channel, CLOCK))

    def wait(self, seconds: float) -> None:
        self.ended.wait(seconds)
