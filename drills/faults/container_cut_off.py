"""A container is disconnected from its network: it runs, and its health check finds no network."""

from drills.containers import NETWORK, docker
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerUnhealthy",)
DETECT_S = 90.0


def inject(stand: Stand) -> None:
    docker("network", "disconnect", NETWORK, "drill-web-1")


def heal(stand: Stand) -> None:
    docker("network", "connect", NETWORK, "drill-web-1")
