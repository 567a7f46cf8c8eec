"""An accept instance gets the processor in bursts: frozen for 0.2 s of every 0.7 s, as if throttled."""

from __future__ import annotations

import time

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("PalmonasApiHubLag",)
DETECT_S = 90.0
FROZEN_S, RUNS_S = 0.2, 0.5


def inject(stand: Stand) -> None:
    def stutter() -> None:
        stand.freeze("api-accept-1")
        time.sleep(FROZEN_S)
        stand.thaw()

    repeat(stand, stutter, pause_s=RUNS_S)


def heal(stand: Stand) -> None:
    stand.undo.close()
