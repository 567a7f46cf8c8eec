"""The exporter of queues and inbox is killed with SIGKILL, and the supervisor does not start it again."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("ExporterMissing",)


def inject(stand: Stand) -> None:
    stand.kill("exporter")


def heal(stand: Stand) -> None:
    stand.start("exporter")
