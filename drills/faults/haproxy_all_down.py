"""The network refuses connections to both accept instances; the processes are well. Needs root (iptables)."""

from __future__ import annotations

from drills.network import refuse_port
from drills.stand import Stand

EXPECT = ("HaproxyNoServerUp",)
HOLD_S = 30.0  # what follows from it has until then to speak, and must not


def inject(stand: Stand) -> None:
    for name in ("api-accept-1", "api-accept-2"):
        refuse_port(stand, stand.layout.ports[name])


def heal(stand: Stand) -> None:
    stand.undo.close()
