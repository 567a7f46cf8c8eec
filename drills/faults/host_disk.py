"""A disk of the machine is full: a tmpfs of four megabytes with a file in it. Needs root (mount)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from drills.disk import mount_small
from drills.stand import Stand

EXPECT = ("HostDiskNearlyFull",)
SIZE = 4 << 20  # bytes
FILLED = 0.97


def inject(stand: Stand) -> None:
    directory = Path(tempfile.mkdtemp(prefix="palmonas-drill-disk-", dir="/srv"))
    stand.undo.callback(directory.rmdir)
    mount_small(stand, directory, SIZE)
    (directory / "full").write_bytes(bytes(int(SIZE * FILLED)))


def heal(stand: Stand) -> None:
    stand.undo.close()
