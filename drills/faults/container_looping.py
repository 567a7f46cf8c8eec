"""The program of a container ends with 1 a moment after each start, and its restart policy starts it again."""

from drills.containers import execute, flags_of
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerRestartLoop",)
DETECT_S = 120.0
RESOLVE_S = 240.0  # the window of 15 minutes, and the last pause before a start


def inject(stand: Stand) -> None:
    (flags_of(stand) / "broken").touch()
    execute("loop-1", "kill $(cat /tmp/main)")


def heal(stand: Stand) -> None:
    (flags_of(stand) / "broken").unlink()
