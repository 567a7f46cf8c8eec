"""A process works in memory that is in swap, on a small swap file of the drill's own. Needs root."""

from __future__ import annotations

import mmap

from drills.background import run_program
from drills.disk import mount_swap
from drills.stand import Stand

EXPECT = ("HostSwapping",)
DETECT_S = 180.0
SIZE = 64 << 20  # bytes
LONGEST_S = 900.0
# It asks the kernel (5.4 and later) to move its pages out and reads them back: nothing else of the machine is moved.
WORK = f"""
import mmap, time
memory = mmap.mmap(-1, {SIZE}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, {SIZE}, {mmap.PAGESIZE}):
    memory[page : page + 8] = page.to_bytes(8, "big")
MADV_PAGEOUT = 21
while True:
    memory.madvise(MADV_PAGEOUT)
    assert all(memory[page : page + 8] == page.to_bytes(8, "big") for page in range(0, {SIZE}, {mmap.PAGESIZE}))
    time.sleep(1)
"""


def inject(stand: Stand) -> None:
    mount_swap(stand, 2 * SIZE)
    run_program(stand, WORK, stand.stretch(LONGEST_S))


def heal(stand: Stand) -> None:
    stand.undo.close()
