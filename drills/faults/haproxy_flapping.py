"""One accept instance goes in and out, as with a bad cable: its port is refused five times. Needs root (iptables)."""

from __future__ import annotations

import time

from drills.network import refuse_port
from drills.stand import Stand

EXPECT = ("HaproxyServerFlapping",)
DETECT_S = 60.0
RESOLVE_S = 180.0  # the alert's window
TIMES = 5
PAUSE_S = 4.0  # HAProxy checks every second and wants two failures


def inject(stand: Stand) -> None:
    for _ in range(TIMES):
        refuse_port(stand, stand.layout.ports["api-accept-1"])
        time.sleep(PAUSE_S)
        stand.undo.close()
        time.sleep(PAUSE_S)


def heal(stand: Stand) -> None:
    """Nothing to do: it is in again, and the window passes."""
