"""A container that runs once, as a migration does, ends with 3."""

from drills.containers import docker, run
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerFailed",)


def inject(stand: Stand) -> None:
    run("migrate", 1, "--restart=no", command="exit 3")


def heal(stand: Stand) -> None:
    docker("rm", "--force", "drill-migrate-1")
