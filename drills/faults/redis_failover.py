"""The master of Redis is killed with SIGKILL and stays away; its replica takes over, by the Sentinels' decision."""

from __future__ import annotations

from drills.stand import Stand

SCALE = True
EXPECT = ("RedisReplicaGone",)
MAY = {
    "RedisDown": "ten times as fast its half a minute is three seconds, and the Sentinels decide in real time",
    "WorkerHeartbeatStale": "ten times as fast, a worker that is started anew seems silent for long",
}
HOLD_S = 20.0


def inject(stand: Stand) -> None:
    stand.kill("redis")


def heal(stand: Stand) -> None:
    stand.start("redis")
