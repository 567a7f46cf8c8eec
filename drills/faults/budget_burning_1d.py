"""One of 200 deliveries is answered with 500: the budget burns four times as fast as it may."""

from __future__ import annotations

from drills.burning import burn_budget, stop_burning
from drills.stand import Stand

EXPECT = ("SloBudgetBurn/warning/1d",)
DETECT_S = 300.0
RESOLVE_S = 480.0
MAY = {"SloBudgetBurn/warning": "what burns for a day also burns for three"}


def inject(stand: Stand) -> None:
    burn_budget(stand, one_of=200)


def heal(stand: Stand) -> None:
    stop_burning(stand, thinned_s=150)
