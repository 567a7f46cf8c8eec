"""Load that rises and falls, rolling restarts, workers that come and go: nothing but Watchdog may be notified."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass

from drills.alerts import AlertLog, find_unexpected
from drills.beside import run_worker
from drills.load import run_load
from drills.run import find_noise
from drills.stand import Report, Stand, open_stand
from stack.monitoring import fetch_alerts

WAVE_USERS = 4  # more users than the stand's own, in every second wave
API = ("api-accept-1", "api-accept-2", "api-console-1")
WORKERS = ("worker-ingest", "worker-push", "worker-poll", "worker-tasks")
SCALED = ("ingest", "push")  # queues that get a second worker in each wave
RESTART_DEADLINE_S = 60.0
PAUSE_S = 0.2
REAL_TIME = 1.0


@dataclass(frozen=True)
class SoakResult:
    """`fired`: alerts that fired, also those that nobody was told of; `notified`: those that somebody was told of."""

    minutes: float
    deliveries: int
    fired: tuple[str, ...]
    notified: tuple[str, ...]

    @property
    def is_silent(self) -> bool:
        return not self.notified


class _Soak:
    """Follows alerts between and during the steps."""

    def __init__(self, stand: Stand, report: Report) -> None:
        self.stand = stand
        self.report = report
        self.log = AlertLog()

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(PAUSE_S)

    def look(self) -> None:
        self.log.note(time.monotonic(), fetch_alerts(self.stand.layout) or [])

    def roll(self, names: tuple[str, ...]) -> None:
        """Restart one part after the other, each in order, the next when the one before is ready."""
        self.report(f"rolling restart of {', '.join(names)}")
        for name in names:
            self.stand.stop(name)
            self.stand.start(name)
            end = time.monotonic() + RESTART_DEADLINE_S
            while self.stand.list_ill() and time.monotonic() < end:
                self.watch(1.0)


def run_soak(minutes: float, report: Report) -> SoakResult:
    """What came of `minutes` minutes of load, rolling restarts and scaling; a soak without silence before it is noisy.

    The rules are those that are shipped: a restart takes its seconds on any clock.
    """
    with open_stand(REAL_TIME, report) as stand:
        if noisy := find_noise(stand):
            report(f"no silence to begin with: {', '.join(noisy)}")
            return SoakResult(minutes, 0, (), tuple(noisy))
        soak = _Soak(stand, report)
        quarter = minutes * 60 / 4
        soak.watch(quarter)
        for names in (API, WORKERS):
            report("load rises")
            with run_load(stand.layout, WAVE_USERS), ExitStack() as more:
                soak.roll(names)
                report(f"scale-up of {', '.join(SCALED)}")
                for queue in SCALED:
                    more.enter_context(run_worker(stand, queue))
                soak.watch(quarter)
                report("scale-down, and load falls")
        soak.watch(quarter)
        with stand.connect().cursor() as cursor:
            cursor.execute("SELECT count(*) FROM inbox")
            deliveries = sum(count for (count,) in cursor.fetchall())
        unexpected = find_unexpected(stand.receiver.list_notices(), ())
        fired = tuple(map(str, soak.log.list_fired()))
    report(f"{deliveries} deliveries; fired: {', '.join(fired) or 'nothing'}")
    report(f"notified and unexpected: {', '.join(unexpected) or 'nothing'}")
    return SoakResult(minutes, deliveries, fired, tuple(unexpected))
