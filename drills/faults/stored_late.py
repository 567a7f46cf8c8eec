"""Twice a minute something locks the table of orders for 4 s: one delivery of twenty is stored too late."""

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
    "PostgresLocksBlocked": "four seconds are long on the drill's clock",
    "ConnectionPoolHeldLong": "the drain holds its connection while it waits",
}

LOCKED_S = 4.0  # of 30; what waits for more than 2.5 of them is late: 5 %, between three and six times the budget
BURNT = {"alertname": "SloBudgetBurn", "severity": "warning", "slo": "accept_to_stored"}


def is_seen(stand: Stand) -> bool:
    """This objective's alert: on a busy machine those of latency fire, too."""
    alerts = fetch_alerts(stand.layout) or []
    return any(one["state"] == "firing" and one["labels"].items() >= BURNT.items() for one in alerts)


def inject(stand: Stand) -> None:
    repeat(stand, lambda: lock_table(stand, "orders", "EXCLUSIVE", LOCKED_S), pause_s=30 - LOCKED_S)


def heal(stand: Stand) -> None:
    stand.undo.close()
