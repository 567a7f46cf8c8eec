"""One process takes memory until 8 % are available; it is the first that the kernel would kill."""

from __future__ import annotations

from drills.background import run_program
from drills.stand import Stand

EXPECT = ("HostMemoryLow",)
DETECT_S = 210.0
MAY = {"HostSwapping": "where there is swap, the rest of the machine goes there"}
LEFT = 0.08  # of the memory; the alert is at 0.1
LONGEST_S = 900  # it ends by itself, whatever becomes of the drill
WORK = f"""
import mmap, pathlib, re, signal, time
signal.alarm({LONGEST_S})
pathlib.Path("/proc/self/oom_score_adj").write_text("1000")
PIECE = 64 << 20
taken = []
while True:
    text = pathlib.Path("/proc/meminfo").read_text()
    total, available = (int(re.search(name + r": +([0-9]+)", text)[1]) << 10 for name in ("MemTotal", "MemAvailable"))
    above = available - int({LEFT} * total)
    if above > PIECE:
        taken.append(mmap.mmap(-1, PIECE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE))
    elif above < -PIECE and taken:
        taken.pop().close()
    else:
        time.sleep(0.5)
"""


def inject(stand: Stand) -> None:
    run_program(stand, WORK)


def heal(stand: Stand) -> None:
    stand.undo.close()
