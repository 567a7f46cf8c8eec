"""Twice a minute something locks the table of orders for 3.5 s: one delivery of twenty is stored too late."""

from __future__ import annotations

from drills.background import repeat
from drills.database import lock_table
from drills.stand import Stand
from stack.monitoring import fetch_alerts

EXPECT = ("SloBudgetBurn/warning/1d",)
DETECT_S = 300.0
RESOLVE_S = 900.0  # the budget's windows
MAY = {
    "SloBudgetBurn/warning/3d": "what burns for a day also burns for three",
    "PostgresLocksBlocked": "three seconds are long on the drill's clock",
    "ConnectionPoolHeldLong": "the drain holds its connection while it waits",
}

BURNT = {"alertname": "SloBudgetBurn", "severity": "warning", "slo": "accept_to_stored"}


def is_seen(stand: Stand) -> bool:
    """This objective's alert: on a busy machine those of latency fire, too."""
    alerts = fetch_alerts(stand.layout) or []
    return any(one["state"] == "firing" and one["labels"].items() >= BURNT.items() for one in alerts)


def inject(stand: Stand) -> None:
    repeat(stand, lambda: lock_table(stand, "orders", "EXCLUSIVE", 3.5), pause_s=26.5)


def heal(stand: Stand) -> None:
    stand.undo.close()
