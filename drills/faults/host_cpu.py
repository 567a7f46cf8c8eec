"""The machine has more to do than CPUs: two idle-class processes for each, so that others hardly wait for them."""

from __future__ import annotations

import os
import subprocess
import sys

from drills.stand import Stand

EXPECT = ("HostCpuPressure",)
DETECT_S = 210.0
LONGEST_S = 3600  # they end by themselves, whatever becomes of the drill
WORK = f"""
import os, signal
signal.alarm({LONGEST_S})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    pass
"""


def inject(stand: Stand) -> None:
    for _ in range(2 * (os.cpu_count() or 1)):
        process = subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.DEVNULL)
        stand.undo.callback(process.wait, 10)
        stand.undo.callback(process.kill)


def heal(stand: Stand) -> None:
    stand.undo.close()
