"""A migration takes away the table of tokens: the console answers nobody, and deliveries are taken as ever."""

from __future__ import annotations

from drills.background import repeat
from drills.console import list_orders
from drills.stand import Stand

EXPECT = ("PalmonasApiErrors/page/requests",)
MAY = {"HaproxyErrors": "HAProxy sees the same 5xx; it is told apart by the process that answers"}
OPERATORS = 4


def inject(stand: Stand) -> None:
    stand.run_sql("ALTER TABLE api_tokens RENAME TO drill_tokens")
    repeat(stand, lambda: list_orders(stand), threads=OPERATORS)


def heal(stand: Stand) -> None:
    stand.run_sql("ALTER TABLE drill_tokens RENAME TO api_tokens")
