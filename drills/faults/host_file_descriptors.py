"""A process leaks file descriptors, on a machine that may hand out few more than are in use. Needs root."""

from __future__ import annotations

import resource
from pathlib import Path

from app.errors import UsageError
from drills.background import run_program
from drills.stand import Stand

EXPECT = ("HostFileDescriptorsLow",)
DETECT_S = 120.0
LEAKED = 15_000
SHARE = 0.86  # in use then, of all: the rest is enough for what else the machine does
LONGEST_S = 600.0
MOST = Path("/proc/sys/fs/file-max")
WORK = f"""
import os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, ({LEAKED} + 100,) * 2)
leaked = [os.open("/dev/null", os.O_RDONLY) for _ in range({LEAKED})]
while True:
    time.sleep(60)
"""


def inject(stand: Stand) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < LEAKED + 100:
        raise UsageError(f"this drill needs {LEAKED + 100} file descriptors; raise the hard limit (ulimit -Hn)")
    in_use, before = int(Path("/proc/sys/fs/file-nr").read_text().split()[0]), MOST.read_text()
    try:
        MOST.write_text(str(round((in_use + LEAKED) / SHARE)))
    except OSError as error:
        raise UsageError(f"cannot write {MOST}; run this drill as root: {error.strerror}") from error
    stand.undo.callback(MOST.write_text, before)
    run_program(stand, WORK, stand.stretch(LONGEST_S))


def heal(stand: Stand) -> None:
    stand.undo.close()
