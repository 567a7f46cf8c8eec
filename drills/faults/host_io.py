"""Something reads from the machine's disk past its cache, in large pieces, without an end."""

from __future__ import annotations

import mmap
import os

from app.errors import UsageError
from drills.background import repeat
from drills.stand import Stand

EXPECT = ("HostIoPressure",)
DETECT_S = 210.0
PIECE = 1 << 20  # bytes
PIECES = 64
READERS = 8


def inject(stand: Stand) -> None:
    path = stand.layout.state / "drill-io"
    stand.undo.callback(path.unlink)
    path.write_bytes(os.urandom(PIECE) * PIECES)
    try:
        file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError as error:
        raise UsageError(
            f"the disk of {path.parent} takes no direct reads ({error.strerror}); set TMPDIR to another"
        ) from error
    stand.undo.callback(os.close, file)

    def read() -> None:
        # Of its own pages: a direct read needs memory that begins at one.
        with mmap.mmap(-1, PIECE) as buffer:
            for number in range(PIECES):
                os.preadv(file, [buffer], number * PIECE)

    repeat(stand, read, threads=READERS, pause_s=0)


def heal(stand: Stand) -> None:
    stand.undo.close()
