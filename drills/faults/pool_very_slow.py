"""Every 2.7 s something locks the table of tokens for 1.3 s: 26 operators wait for five connections."""

from __future__ import annotations

from drills.stand import Stand
from drills.waits import make_operators_wait

EXPECT = ("ConnectionPoolSlow/page",)
DETECT_S = 90.0
LOCKED_S = 1.3  # nobody waits until the deadline of two seconds, and no two scrapes in a row see the pool full


def inject(stand: Stand) -> None:
    make_operators_wait(stand, 26, locked_s=LOCKED_S, pause_s=1.4)


def heal(stand: Stand) -> None:
    stand.undo.close()
