"""The only container of a service is stopped; its restart policy does not start what somebody stopped."""

from drills.containers import docker
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerMissing/page",)


def inject(stand: Stand) -> None:
    docker("stop", "--time=1", "drill-db-1")


def heal(stand: Stand) -> None:
    docker("start", "drill-db-1")
