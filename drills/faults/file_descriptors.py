"""An accept instance may open only a few more files than it has open (prlimit)."""

from __future__ import annotations

import os
import resource

from drills.stand import Stand

EXPECT = ("ProcessFileDescriptorsLow",)
DETECT_S = 90.0
FILLED = 0.94


def inject(stand: Stand) -> None:
    for pid in stand.list_family("api-accept-1"):
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        limit = int(len(os.listdir(f"/proc/{pid}/fd")) / FILLED)
        stand.undo.callback(resource.prlimit, pid, resource.RLIMIT_NOFILE, before)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))


def heal(stand: Stand) -> None:
    stand.undo.close()
