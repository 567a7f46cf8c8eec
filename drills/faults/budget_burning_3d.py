"""One of 550 deliveries is answered with 500: the budget burns half again as fast as it may."""

from __future__ import annotations

from drills.burning import burn_budget, stop_burning
from drills.stand import Stand

EXPECT = ("SloBudgetBurn/warning/3d",)
DETECT_S = 540.0
RESOLVE_S = 660.0


def inject(stand: Stand) -> None:
    burn_budget(stand, one_of=550)


def heal(stand: Stand) -> None:
    stop_burning(stand, thinned_s=330)
