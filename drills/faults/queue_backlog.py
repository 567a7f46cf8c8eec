"""Somebody asks for housekeeping in a loop: jobs come faster than their worker ends them, and the oldest gets older."""

from __future__ import annotations

import itertools

from app.queue import TASKS, WorkQueue
from drills.background import repeat
from drills.stand import Stand

EXPECT = ("QueueOldestJobAge/warning",)
DETECT_S = 120.0
MAY = {"WorkersBusy": "the only worker is busy all the time", "QueueOldestJobAge/page": "it comes when the fault lasts"}


def inject(stand: Stand) -> None:
    queue = WorkQueue(stand.servers.redis.url, timeout_s=5, connect_timeout_s=5)
    numbers = itertools.count()
    stand.undo.callback(queue.redis.close)
    repeat(stand, lambda: queue.enqueue_task("prune", request_id=f"drill-{next(numbers)}"), pause_s=0.001)


def heal(stand: Stand) -> None:
    stand.undo.close()
    stand.connect_redis().delete(f"rq:queue:{TASKS}")
