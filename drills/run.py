"""One drill from silence to silence: inject, see every expected alert through, heal, judge."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg2
import redis

from app.errors import PalmonasError
from dashboards.events import tell_event
from drills.alerts import (
    AlertLog,
    Notice,
    count_groups,
    find_unexpected,
    first_firing,
    last_resolved,
)
from drills.asking import Panels
from drills.drill import Drill
from drills.filled import find_filled, subtract
from drills.stand import Report, Stand
from stack.monitoring import fetch_alerts

SILENT_S = 6.0  # four scrapes and evaluations with nothing, on the default clock
SILENCE_DEADLINE_S = 90.0
PAUSE_S = 0.2
# What an inject or a heal meets on a broken stack: it fails this drill, and the next one goes on.
FAILURES = (OSError, psycopg2.Error, redis.RedisError, PalmonasError)


@dataclass(frozen=True)
class Steps:
    """Times of one alert in seconds: the first three since the fault, the last two since the heal.

    The last two are None when the drill ended with the notification.
    """

    severity: str
    kind: str
    pending_s: float | None
    firing_s: float
    notified_s: float
    inactive_s: float | None
    resolved_s: float | None


@dataclass
class Result:
    """What came of a drill. It passed when there are no `problems`."""

    drill: Drill
    factor: float
    problems: list[str] = field(default_factory=list)
    steps: dict[str, Steps] = field(default_factory=dict)
    notifications: int = 0
    held_back: list[str] = field(default_factory=list)
    filled: Panels = field(default_factory=dict)


class _Run:
    """The clock and the log of one drill."""

    def __init__(self, stand: Stand, drill: Drill) -> None:
        self.stand = stand
        self.drill = drill
        self.log = AlertLog()
        self.fault_at = self.heal_at = 0.0

    def watch(self, is_done: Callable[[], bool], deadline_s: float) -> bool:
        """Follow the alerts until `is_done`, at most `deadline_s` seconds of this stand's clock."""
        end = time.monotonic() + self.stand.stretch(deadline_s)
        while True:
            alerts = fetch_alerts(self.stand.layout)
            if alerts is not None:
                self.log.note(time.monotonic(), alerts)
            if is_done():
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(PAUSE_S)

    def list_notices(self) -> list[Notice]:
        """What was notified since the fault.

        Before it, a Prometheus that starts knows no target for five seconds on any clock, and says so.
        """
        return [one for one in self.stand.receiver.list_notices() if one.at >= self.fault_at]

    def is_notified(self, wanted: str) -> bool:
        return bool(self.log.find(wanted)) and first_firing(self.list_notices(), wanted) is not None

    def is_resolved(self, wanted: str) -> bool:
        gone = all(self.log.seen[key].gone_at is not None for key in self.log.find(wanted))
        told_at = last_resolved(self.list_notices(), wanted)
        return gone and told_at is not None and told_at > self.heal_at

    def read_steps(self, wanted: str) -> Steps:
        key = self.log.find(wanted)[0]
        seen, notices = self.log.seen[key], self.list_notices()
        notified_at = first_firing(notices, wanted)
        assert seen.firing_at is not None
        assert notified_at is not None
        return Steps(
            key.severity,
            key.kind,
            _since(self.fault_at, seen.pending_at),
            min(seen.firing_at, notified_at) - self.fault_at,  # a busy machine shows us the one after the other
            notified_at - self.fault_at,
            _since(self.heal_at, seen.gone_at),
            _since(self.heal_at, last_resolved(notices, wanted)),
        )


def _since(start: float, moment: float | None) -> float | None:
    return None if moment is None else moment - start


def run_drill(stand: Stand, drill: Drill, report: Report, *, until_notified: bool = False) -> Result:
    """Run one drill on a stand that may have been drilled before. Bounded; leaves the fault healed.

    With `until_notified` it heals at the notification, and does not wait for what comes late and for the way back.
    """
    result = Result(drill, stand.factor)
    noisy = find_noise(stand)
    if noisy:
        result.problems.append(f"no silence before the fault: {', '.join(noisy)}")
        report(f"{drill.name}: {result.problems[0]}")
        return result
    run = _Run(stand, drill)
    # A stand with containers has panels to fill before the fault, that no other stand has.
    before = {} if drill.containers else find_filled(stand, time.time() - stand.stretch(drill.detect_s))
    began = time.time()
    _inject(run, result, report, hold_s=0.0 if until_notified else drill.hold_s)
    result.filled = subtract(find_filled(stand, began, quick=not drill.containers), before)
    report(f"{drill.name}: panels filled: {sum(map(len, result.filled.values()))}")
    healed = time.time()
    _heal(run, result, resolve_s=0.0 if until_notified else drill.resolve_s)
    _judge(run, result, report, wants_resolved=not until_notified)
    tell_event("drill", f"{drill.name}: {drill.fault}", began, healed, say=report)
    return result


def find_noise(stand: Stand) -> list[str]:
    """Forget what was, and wait for silence; what there is instead of it."""
    silent_s = stand.stretch(SILENT_S)
    return stand.forget() or stand.wait_silent(silent_s, silent_s + SILENCE_DEADLINE_S)


def _inject(run: _Run, result: Result, report: Report, *, hold_s: float) -> None:
    drill = run.drill
    report(f"{drill.name}: silent; injecting: {drill.fault}")
    run.fault_at = time.monotonic()
    try:
        drill.inject(run.stand)
    except FAILURES as error:
        result.problems.append(f"the fault could not be injected: {error}")
        return
    run.watch(lambda: all(map(run.is_notified, drill.expect)) and drill.is_seen(run.stand), drill.detect_s)
    if not drill.is_seen(run.stand):
        result.problems.append("what the drill waits for was not seen")
    for wanted in drill.expect:
        if not run.log.find(wanted):
            result.problems.append(f"{wanted} did not fire")
        elif not run.is_notified(wanted):
            result.problems.append(f"{wanted} fired and was not notified")
    run.watch(lambda: False, hold_s)
    result.notifications = count_groups(run.list_notices(), drill.expect)
    report(f"{drill.name}: {result.notifications} notified; fired: {', '.join(map(str, run.log.list_fired()))}")


def _heal(run: _Run, result: Result, *, resolve_s: float) -> None:
    run.heal_at = time.monotonic()
    try:
        run.drill.heal(run.stand)
        run.stand.undo.close()
    except FAILURES as error:
        result.problems.append(f"the heal failed: {type(error).__name__}: {error}")
    notified = [wanted for wanted in run.drill.expect if run.is_notified(wanted)]
    run.watch(lambda: all(map(run.is_resolved, notified)), resolve_s)


def _judge(run: _Run, result: Result, report: Report, *, wants_resolved: bool) -> None:
    drill = run.drill
    for wanted in (one for one in drill.expect if run.is_notified(one)):
        if run.is_resolved(wanted) or not wants_resolved:
            result.steps[wanted] = run.read_steps(wanted)
        else:
            result.problems.append(f"{wanted} was not resolved after the heal")
    result.problems.extend(
        f"{name} was notified and nobody expected it"
        for name in find_unexpected(run.list_notices(), [*drill.expect, *drill.may])
    )
    result.held_back = [
        str(key)
        for key in run.log.list_fired()
        if not key.ambient and first_firing(run.list_notices(), str(key)) is None
    ]
    for problem in result.problems:
        report(f"{drill.name}: {problem}")
