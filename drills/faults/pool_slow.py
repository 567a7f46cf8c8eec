"""A console has a slow line to PostgreSQL, and its operators ask in rushes: who comes last waits for a connection."""

from __future__ import annotations

from drills.rushes import send_rushes
from drills.stand import Stand

EXPECT = ("ConnectionPoolSlow/warning",)
DETECT_S = 120.0
OPERATORS = 12
LATENCY_S = 0.05


def inject(stand: Stand) -> None:
    send_rushes(stand, OPERATORS, LATENCY_S)


def heal(stand: Stand) -> None:
    stand.undo.close()
