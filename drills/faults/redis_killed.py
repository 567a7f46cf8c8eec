"""Redis is killed with SIGKILL, and the supervisor does not start it again."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("RedisDown",)
MAY = {"WorkersKilled": "a worker ends when Redis stays away, and the supervisor counts that before RedisDown fires"}
HOLD_S = 30.0  # what follows from it has until then to speak, and must not


def inject(stand: Stand) -> None:
    stand.kill("redis")


def heal(stand: Stand) -> None:
    stand.start("redis")
