"""A disk of the machine has no room for another file: a tmpfs of a hundred inodes. Needs root (mount)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from drills.disk import mount_small
from drills.stand import Stand

EXPECT = ("HostInodesNearlyFull",)
SIZE = 4 << 20  # bytes
INODES = 100
FILES = 97


def inject(stand: Stand) -> None:
    directory = Path(tempfile.mkdtemp(prefix="palmonas-drill-disk-", dir="/srv"))
    stand.undo.callback(directory.rmdir)
    mount_small(stand, directory, SIZE, inodes=INODES)
    for number in range(FILES):
        (directory / str(number)).touch()


def heal(stand: Stand) -> None:
    stand.undo.close()
