"""An API process dies three times in a row; the supervisor starts it again each time."""

from __future__ import annotations

import signal

from app.errors import UsageError
from drills.stand import Stand
from stack.processes import signal_all, wait_until

EXPECT = ("PalmonasApiRestarts",)
MAY = {
    "PalmonasApiDown": "it may be away for longer than that alert waits",
    "HaproxyServerFlapping": "HAProxy counts the same deaths",
    "HaproxyNoServerUp": "the console has one instance: while it starts, its backend has none",
}
DETECT_S = 120.0
RESOLVE_S = 300.0  # the alert's window
DEATHS = 3
RETURN_DEADLINE_S = 60.0


def inject(stand: Stand) -> None:
    for _ in range(DEATHS):
        signal_all(stand.list_family("api-accept-2"), signal.SIGKILL)
        wait_until(lambda: "api-accept-2 not running" in stand.list_ill(), 5.0, pause_s=0.1)
        if not wait_until(lambda: not stand.list_ill(), RETURN_DEADLINE_S, pause_s=0.5):
            raise UsageError("api-accept-2 does not come back")


def heal(stand: Stand) -> None:
    """Nothing to do: it runs, and the window passes."""
