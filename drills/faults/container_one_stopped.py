"""One of two containers of a service is stopped, and left so."""

from drills.containers import docker
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerMissing/warning",)
DETECT_S = 120.0


def inject(stand: Stand) -> None:
    docker("stop", "--time=1", "drill-web-2")


def heal(stand: Stand) -> None:
    docker("start", "drill-web-2")
