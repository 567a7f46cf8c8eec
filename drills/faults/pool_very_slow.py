"""The line of a console to PostgreSQL is very slow, and its operators ask in rushes: most wait for a connection."""

from __future__ import annotations

from drills.rushes import send_rushes
from drills.stand import Stand

EXPECT = ("ConnectionPoolSlow/page",)
DETECT_S = 90.0
OPERATORS = 15
LATENCY_S = 0.1


def inject(stand: Stand) -> None:
    send_rushes(stand, OPERATORS, LATENCY_S)


def heal(stand: Stand) -> None:
    stand.undo.close()
