"""All workers are suspended with RQ's own switch (`rq suspend`), and nobody resumes them; one job waits."""

from __future__ import annotations

import rq.suspension

from drills.stand import Stand

EXPECT = ("InboxOldestAge",)
DETECT_S = 120.0


def inject(stand: Stand) -> None:
    rq.suspension.suspend(stand.connect_redis())


def heal(stand: Stand) -> None:
    rq.suspension.resume(stand.connect_redis())
