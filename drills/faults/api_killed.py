"""One of the two accept instances is killed with SIGKILL, and the supervisor does not start it again."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PalmonasApiDown",)


def inject(stand: Stand) -> None:
    stand.kill("api-accept-1")


def heal(stand: Stand) -> None:
    stand.start("api-accept-1")
