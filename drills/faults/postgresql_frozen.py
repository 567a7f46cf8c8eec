"""PostgreSQL and all its backends are frozen with SIGSTOP: sessions stay open and nothing answers."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PostgresDown",)  # its exporter waits for it and answers no scrape, and ours cannot read it
HOLD_S = 30.0  # what follows from it has until then to speak, and must not


def inject(stand: Stand) -> None:
    stand.freeze("postgresql")


def heal(stand: Stand) -> None:
    stand.thaw()
