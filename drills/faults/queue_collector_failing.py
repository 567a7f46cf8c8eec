"""Somebody sets the count of jobs back with SET: it is no hash any more, and the exporter cannot read the queues."""

from __future__ import annotations

from app.queue import PROCESSED_KEY
from drills.stand import Stand

EXPECT = ("CollectorFailed",)


def inject(stand: Stand) -> None:
    stand.connect_redis().set(PROCESSED_KEY, 0)


def heal(stand: Stand) -> None:
    stand.connect_redis().delete(PROCESSED_KEY)
