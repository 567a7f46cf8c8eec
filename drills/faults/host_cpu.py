"""The machine has more to do than CPUs: two idle-class processes for each, so that others hardly wait for them."""

from __future__ import annotations

import os

from drills.background import run_program
from drills.stand import Stand

EXPECT = ("HostCpuPressure",)
DETECT_S = 210.0
LONGEST_S = 3600.0
WORK = """
import os
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    pass
"""


def inject(stand: Stand) -> None:
    for _ in range(2 * (os.cpu_count() or 1)):
        run_program(stand, WORK, LONGEST_S)


def heal(stand: Stand) -> None:
    stand.undo.close()
