"""The exporter of Redis is killed with SIGKILL, and the supervisor does not start it again: nobody watches."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("RedisAbsent",)
HOLD_S = 20.0


def inject(stand: Stand) -> None:
    stand.kill("redis-exporter")


def heal(stand: Stand) -> None:
    stand.start("redis-exporter")
