"""A child in a container takes more memory than that may have: the kernel kills the child, and the container lives."""

from drills.containers import execute
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerOomKilled",)
RESOLVE_S = 150.0


def inject(stand: Stand) -> None:
    execute("web-1", "tail /dev/zero")


def heal(stand: Stand) -> None:
    """What was killed is gone; the alert goes when ten minutes have passed."""
