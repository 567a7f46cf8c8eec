"""HAProxy is killed with SIGKILL, and the supervisor does not start it again: nobody reaches the service."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("HaproxyDown",)
HOLD_S = 30.0  # what follows from it has until then to speak, and must not


def inject(stand: Stand) -> None:
    stand.kill("haproxy")


def heal(stand: Stand) -> None:
    stand.start("haproxy")
