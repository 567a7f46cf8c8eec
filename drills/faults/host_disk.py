"""A disk of the machine is full: an ext4 of 32 megabytes with a file in it. Needs root (a loop device and mount)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from drills.disk import mount_image
from drills.stand import Stand

EXPECT = ("HostDiskNearlyFull",)
SIZE = 32 << 20  # bytes
FILLED = 0.98


def inject(stand: Stand) -> None:
    directory = Path(tempfile.mkdtemp(prefix="palmonas-drill-disk-", dir="/srv"))
    stand.undo.callback(directory.rmdir)
    mount_image(stand, directory, SIZE, inodes=1000)
    free = os.statvfs(directory)
    (directory / "full").write_bytes(bytes(int(free.f_bavail * free.f_frsize * FILLED)))


def heal(stand: Stand) -> None:
    stand.undo.close()
