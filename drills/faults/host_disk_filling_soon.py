"""A disk of the machine fills at a steady pace, full within hours: an ext4 in a file. Needs root."""

from __future__ import annotations

from functools import partial

from drills.disk import mount_disk, use_space, use_steadily
from drills.stand import Stand

EXPECT = ("HostDiskFilling/page",)
DETECT_S = 240.0
SIZE = 32 << 20  # bytes
INODES = 1000
BEGIN = 0.82  # share of the disk
PACE = 0.0005  # of it, each second


def inject(stand: Stand) -> None:
    directory = mount_disk(stand, SIZE, INODES)
    use_steadily(stand, partial(use_space, directory), BEGIN, PACE)


def heal(stand: Stand) -> None:
    stand.undo.close()
