"""PostgreSQL and all its backends are killed with SIGKILL, and the supervisor does not start it again."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PostgresDown",)
HOLD_S = 30.0  # what follows from it has until then to speak, and must not


def inject(stand: Stand) -> None:
    stand.kill("postgresql")


def heal(stand: Stand) -> None:
    stand.start("postgresql")
