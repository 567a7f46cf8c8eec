"""A process in a container fills 61 of its 64 MB with what cannot be given back (files in /dev/shm)."""

from drills.containers import execute
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerMemoryHigh",)
DETECT_S = 120.0


def inject(stand: Stand) -> None:
    execute("web-1", "dd if=/dev/zero of=/dev/shm/much bs=1M count=60")


def heal(stand: Stand) -> None:
    execute("web-1", "rm /dev/shm/much")
