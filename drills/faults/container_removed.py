"""The only container of a service is removed, and nothing is left of it for the engine to tell."""

from drills.containers import docker, run
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerMissing/page",)


def inject(stand: Stand) -> None:
    docker("rm", "--force", "drill-db-1")


def heal(stand: Stand) -> None:
    run("db")
