"""The replica of Redis is killed with SIGKILL, and the supervisor does not start it again: nobody may take over."""

from __future__ import annotations

from drills.stand import Stand

SCALE = True
EXPECT = ("RedisReplicaGone",)
HOLD_S = 20.0


def inject(stand: Stand) -> None:
    stand.kill("redis-replica")


def heal(stand: Stand) -> None:
    stand.start("redis-replica")
