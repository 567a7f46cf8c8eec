"""Children that nobody waits for fill a container's limit of 50 processes."""

from drills.containers import execute
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerPidsHigh",)
DETECT_S = 120.0


def inject(stand: Stand) -> None:
    execute("web-1", "for _ in $(seq 42); do sleep 1000 & echo $! >> /tmp/children; done; wait")


def heal(stand: Stand) -> None:
    execute("web-1", "kill $(cat /tmp/children); rm /tmp/children")
