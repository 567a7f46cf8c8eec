"""A disk of the machine has no room for another file: an ext4 of few inodes. Needs root (a loop device and mount)."""

from __future__ import annotations

from drills.disk import mount_disk, use_inodes
from drills.stand import Stand

EXPECT = ("HostInodesNearlyFull",)
SIZE = 8 << 20  # bytes
INODES = 512


def inject(stand: Stand) -> None:
    use_inodes(mount_disk(stand, SIZE, INODES), 0.98)


def heal(stand: Stand) -> None:
    stand.undo.close()
