"""A loop in one of two containers of a service wants a whole CPU, and its limit is a fifth of one."""

from drills.containers import execute
from drills.stand import Stand

CONTAINERS = True
EXPECT = ("ContainerThrottled",)
DETECT_S = 240.0  # the window of its rate, its `for`, and five minutes of group_wait
RESOLVE_S = 150.0


def inject(stand: Stand) -> None:
    execute("web-1", "echo $$ > /tmp/loop; while :; do :; done")


def heal(stand: Stand) -> None:
    execute("web-1", "kill $(cat /tmp/loop)")
