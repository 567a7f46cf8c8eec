"""One of 80 deliveries is answered with 500: the budget burns ten times as fast as it may."""

from __future__ import annotations

from drills.burning import burn_budget, stop_burning
from drills.stand import Stand

EXPECT = ("SloBudgetBurn/page/6h",)
DETECT_S = 120.0
RESOLVE_S = 480.0
MAY = {"SloBudgetBurn/warning": "what burns for a day also burns for three"}


def inject(stand: Stand) -> None:
    burn_budget(stand, one_of=80)


def heal(stand: Stand) -> None:
    stop_burning(stand)
