"""A disk of the machine is full: an ext4 of 32 megabytes with a file in it. Needs root (a loop device and mount)."""

from __future__ import annotations

from drills.disk import mount_disk, use_space
from drills.stand import Stand

EXPECT = ("HostDiskNearlyFull",)
SIZE = 32 << 20  # bytes


def inject(stand: Stand) -> None:
    use_space(mount_disk(stand, SIZE, inodes=1000), 0.98)


def heal(stand: Stand) -> None:
    stand.undo.close()
