"""The exporter of the machine is killed with SIGKILL, and the supervisor does not start it again."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("TargetAbsent",)


def inject(stand: Stand) -> None:
    stand.kill("node-exporter")


def heal(stand: Stand) -> None:
    stand.start("node-exporter")
