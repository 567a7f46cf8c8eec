"""The dispatcher is killed with SIGKILL, and the supervisor does not start it again."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("DispatcherMissing",)


def inject(stand: Stand) -> None:
    stand.kill("dispatcher")


def heal(stand: Stand) -> None:
    stand.start("dispatcher")
