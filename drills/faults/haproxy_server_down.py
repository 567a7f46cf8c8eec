"""The network refuses connections to one accept instance's port; the process itself is well. Needs root (iptables)."""

from __future__ import annotations

from drills.network import refuse_port
from drills.stand import Stand

EXPECT = ("HaproxyServerDown",)


def inject(stand: Stand) -> None:
    refuse_port(stand, stand.layout.ports["api-accept-1"])


def heal(stand: Stand) -> None:
    stand.undo.close()
