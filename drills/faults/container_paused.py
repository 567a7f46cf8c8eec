"""A container is paused: its processes are frozen, and its health check with them."""

from drills.containers import docker
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerPaused",)


def inject(stand: Stand) -> None:
    docker("pause", "drill-web-1")


def heal(stand: Stand) -> None:
    docker("unpause", "drill-web-1")
