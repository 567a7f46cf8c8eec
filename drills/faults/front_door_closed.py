"""A rule of the firewall closes the front door's port: everything behind it is well, and nobody gets in."""

from __future__ import annotations

from drills.network import refuse_port
from drills.stand import Stand

EXPECT = ("FrontDoorProbeFailed",)


def inject(stand: Stand) -> None:
    refuse_port(stand, stand.layout.port)


def heal(stand: Stand) -> None:
    stand.undo.close()
