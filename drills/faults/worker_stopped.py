"""The ingest worker is stopped in order, as somebody would who forgets to start it again; orders keep coming."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("QueueNoWorker",)
DETECT_S = 90.0


def inject(stand: Stand) -> None:
    stand.stop("worker-ingest")


def heal(stand: Stand) -> None:
    stand.start("worker-ingest")
