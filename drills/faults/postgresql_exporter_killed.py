"""The exporter of PostgreSQL is killed with SIGKILL, and the supervisor does not start it again: nobody watches."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PostgresAbsent",)
HOLD_S = 20.0


def inject(stand: Stand) -> None:
    stand.kill("postgres-exporter")


def heal(stand: Stand) -> None:
    stand.start("postgres-exporter")
