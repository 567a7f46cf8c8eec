"""A disk of the machine has no room for another file: an ext4 of few inodes. Needs root (a loop device and mount)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from drills.disk import mount_image
from drills.stand import Stand

EXPECT = ("HostInodesNearlyFull",)
SIZE = 8 << 20  # bytes
INODES = 512
FILLED = 0.98


def inject(stand: Stand) -> None:
    directory = Path(tempfile.mkdtemp(prefix="palmonas-drill-disk-", dir="/srv"))
    stand.undo.callback(directory.rmdir)
    mount_image(stand, directory, SIZE, INODES)
    for number in range(int(os.statvfs(directory).f_favail * FILLED)):
        (directory / str(number)).touch()


def heal(stand: Stand) -> None:
    stand.undo.close()
