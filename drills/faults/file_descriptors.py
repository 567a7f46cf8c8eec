"""An accept instance has nearly as many files open as it may: clients keep connections, and its limit is low."""

from __future__ import annotations

import os
import resource

from drills.senders import keep_connections
from drills.stand import Stand

EXPECT = ("ProcessFileDescriptorsLow",)
DETECT_S = 90.0
KEPT = 90  # connections
SPARE = 15  # for scrapes and the load of a drill


def inject(stand: Stand) -> None:
    for pid in stand.list_family("api-accept-1"):
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        limit = len(os.listdir(f"/proc/{pid}/fd")) + KEPT + SPARE
        stand.undo.callback(resource.prlimit, pid, resource.RLIMIT_NOFILE, before)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    keep_connections(stand, stand.layout.ports["api-accept-1"], KEPT, b"POST /webhooks/shopify HTTP/1.1\r\n")


def heal(stand: Stand) -> None:
    stand.undo.close()
