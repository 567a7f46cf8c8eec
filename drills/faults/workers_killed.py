"""The workers of all queues are killed with SIGKILL, and the supervisor does not start them again."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("QueueNoWorker",)
MAY = {
    "WorkersKilled": "four workers were killed, and the counter of restarts says so",
    "InboxOldestAge": "it speaks before the dead workers are known to be gone",
    "WorkerHeartbeatStale": "so does this",
    "QueueStuck": "and this, on the drill's clock: a dead worker is registered for 80 s on any",
    "TargetAbsent": "all workers are all of that job",
}
DETECT_S = 150.0  # a dead worker is registered in Redis until its key expires, 80 s after its last heartbeat
WORKERS = ("worker-ingest", "worker-tasks", "worker-poll", "worker-push")


def inject(stand: Stand) -> None:
    stand.kill(*WORKERS)


def heal(stand: Stand) -> None:
    stand.start(*WORKERS)
