"""One process takes a tenth of the machine's memory; the alert's line is moved to where that crosses it."""

from __future__ import annotations

import re
from pathlib import Path

from app.errors import UsageError
from drills.background import run_program
from drills.lines import move_line
from drills.stand import Stand

# The line that is shipped is at 10 % available. To cross it a drill would have to take nearly all that the machine
# has, and the kernel would end something of somebody else's.
EXPECT = ("HostMemoryLow",)
DETECT_S = 210.0
TAKEN = 0.1  # of the memory
LEAST = 0.3  # of it must be available before
LONGEST_S = 900.0
WORK = """
import mmap, pathlib, time
pathlib.Path("/proc/self/oom_score_adj").write_text("1000")  # the first that the kernel would kill
taken = mmap.mmap(-1, {size}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
while True:
    time.sleep(60)
"""


def inject(stand: Stand) -> None:
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    found = {name: int(kibibytes) * 1024 for name, kibibytes in re.findall(r"(\w+): +(\d+) kB", text)}
    available = found["MemAvailable"] / found["MemTotal"]
    if available < LEAST:
        raise UsageError(f"only {available:.0%} of the memory are available; this drill takes {TAKEN:.0%}")

    move_line(stand, "memory_available", round(available - TAKEN / 2, 3))
    run_program(stand, WORK.format(size=round(found["MemTotal"] * TAKEN)), stand.stretch(LONGEST_S))


def heal(stand: Stand) -> None:
    stand.undo.close()
