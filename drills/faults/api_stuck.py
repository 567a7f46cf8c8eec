"""The console is asked for four changes whose bodies trickle in, a byte every two seconds: none of them ends."""

from __future__ import annotations

from drills.stand import Stand
from drills.trickle import trickle_changes

EXPECT = ("PalmonasApiStuck",)
DETECT_S = 90.0


def inject(stand: Stand) -> None:
    trickle_changes(stand, 4)


def heal(stand: Stand) -> None:
    stand.undo.close()
