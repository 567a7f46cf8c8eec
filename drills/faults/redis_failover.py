"""The master of Redis is killed with SIGKILL and stays away; its replica takes over, by the Sentinels' decision."""

from __future__ import annotations

from drills.stand import Stand

SCALE = True
EXPECT = ("RedisReplicaGone",)
MAY = {
    "RedisDown": "its half a minute is three seconds here, and the Sentinels decide in real time",
}
HOLD_S = 20.0


def inject(stand: Stand) -> None:
    stand.kill("redis")


def heal(stand: Stand) -> None:
    stand.start("redis")
