"""A disk of the machine runs out of inodes at a steady pace, within hours: an ext4 in a file. Needs root."""

from __future__ import annotations

from functools import partial

from drills.disk import mount_disk, use_inodes, use_steadily
from drills.stand import Stand

EXPECT = ("HostInodesFilling/page",)
DETECT_S = 240.0
SIZE = 8 << 20  # bytes
INODES = 4000
BEGIN = 0.82  # share of the disk
PACE = 0.0005  # of it, each second


def inject(stand: Stand) -> None:
    directory = mount_disk(stand, SIZE, INODES)
    use_steadily(stand, partial(use_inodes, directory), BEGIN, PACE)


def heal(stand: Stand) -> None:
    stand.undo.close()
