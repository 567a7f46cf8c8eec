"""One of the two accept instances is frozen with SIGSTOP: its port takes connections and nothing answers."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PalmonasApiDown",)


def inject(stand: Stand) -> None:
    stand.freeze("api-accept-1")


def heal(stand: Stand) -> None:
    stand.thaw()
