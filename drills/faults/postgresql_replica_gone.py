"""The replica and all its processes are killed with SIGKILL, and the supervisor does not start it again."""

from __future__ import annotations

from drills.stand import Stand

SCALE = True
EXPECT = ("PostgresReplicaGone",)
MAY = {"PostgresSlotInactive": "the primary keeps its log for the replica that is gone"}
HOLD_S = 20.0


def inject(stand: Stand) -> None:
    stand.kill("postgresql-replica")


def heal(stand: Stand) -> None:
    stand.start("postgresql-replica")
