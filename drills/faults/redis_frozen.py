"""Redis is frozen with SIGSTOP: connections stay open and nothing answers."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("RedisDown",)  # its exporter waits for it and answers no scrape, and ours cannot read it
HOLD_S = 30.0  # what follows from it has until then to speak, and must not


def inject(stand: Stand) -> None:
    stand.freeze("redis")


def heal(stand: Stand) -> None:
    stand.thaw()
