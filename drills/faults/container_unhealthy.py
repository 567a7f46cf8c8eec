"""The health checks of both containers of a service fail; Docker leaves them running."""

from drills.containers import flags_of
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerUnhealthy",)
DETECT_S = 90.0


def inject(stand: Stand) -> None:
    (flags_of(stand) / "ill").touch()


def heal(stand: Stand) -> None:
    (flags_of(stand) / "ill").unlink()
