"""Alertmanager is killed with SIGKILL, and nobody can be told: only that Watchdog falls silent tells its receiver."""

from __future__ import annotations

import time

from drills.stand import Stand

EXPECT = ()
SILENCE_S = 18.0  # three times what Watchdog is repeated after
MAY = {
    "PrometheusNotificationsFailing": "it is told when Alertmanager is back",
    "AlertmanagerNotDiscovered": "the same",
    "TargetAbsent": "the same",
}


def inject(stand: Stand) -> None:
    stand.kill("alertmanager")


def is_seen(stand: Stand) -> bool:
    heard = stand.receiver.last_watchdog()
    return heard is not None and time.monotonic() - heard > stand.stretch(SILENCE_S)


def heal(stand: Stand) -> None:
    stand.start("alertmanager")
