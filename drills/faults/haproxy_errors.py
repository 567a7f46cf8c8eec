"""Something between HAProxy and the console cuts every list of orders off; health checks pass, all else works."""

from __future__ import annotations

from drills.background import repeat
from drills.console import list_orders
from drills.network import cut_requests
from drills.stand import Stand

EXPECT = ("HaproxyErrors",)
DETECT_S = 90.0
OPERATORS = 6


def inject(stand: Stand) -> None:
    cut_requests(stand, stand.layout.ports["api-console-1"], "GET /orders")
    repeat(stand, lambda: list_orders(stand), threads=OPERATORS, pause_s=0.5)


def heal(stand: Stand) -> None:
    stand.undo.close()
