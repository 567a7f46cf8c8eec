"""A deploy changes what a job takes: thirty jobs of the version before fail at every try, and are tried again."""

from __future__ import annotations

from app.queue import WorkQueue
from drills.stand import Stand

EXPECT = ("JobRetryStorm", "QueueFailures")
DETECT_S = 120.0
RESOLVE_S = 240.0  # the alerts' windows
MAY = {"SloBudgetBurn": "the objective of jobs that end well burns its budget"}
JOBS = 30


def inject(stand: Stand) -> None:
    queue = WorkQueue(stand.servers.redis.url, timeout_s=5, connect_timeout_s=5)
    stand.undo.callback(queue.redis.close)
    for number in range(JOBS):
        queue.enqueue_task("prune", "an argument that prune does not take", request_id=f"drill-{number}")


def heal(stand: Stand) -> None:
    """Nothing to do: after the third retry they are given up, and the window passes."""
