"""Prometheus' store is on a full disk (a tmpfs of 64 megabytes): rules are evaluated, nothing is stored. Needs root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from app.errors import UsageError
from drills.disk import fill_disk, mount_small
from drills.stand import Stand
from stack.monitoring import fetch_targets
from stack.processes import wait_until

EXPECT = ("PrometheusNotIngestingSamples",)
DETECT_S = 90.0
SIZE = 64 << 20  # bytes
SCRAPED_DEADLINE_S = 60.0


def inject(stand: Stand) -> None:
    """What is stored moves to the small disk, so that the restart looks like one, and not like a first start."""
    data = stand.layout.state / "prometheus/data"
    kept = data.with_name("kept")
    stand.stop("prometheus")
    shutil.move(data, kept)
    mount_small(stand, data, SIZE)
    shutil.copytree(kept, data, dirs_exist_ok=True)
    shutil.rmtree(kept)
    stand.start("prometheus")
    if not wait_until(lambda: "up" in (fetch_targets(stand.layout) or {}).values(), SCRAPED_DEADLINE_S, pause_s=0.2):
        raise UsageError("Prometheus did not come back on the small disk")
    _take_place(data / "queries.active")
    fill_disk(data)


def _take_place(path: Path) -> None:
    """Prometheus maps this file, with holes in it: to write into one on a full disk would end it (SIGBUS) at the next
    query. That happens, too, and is no silent fault: Watchdog stops.
    """
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def heal(stand: Stand) -> None:
    (stand.layout.state / "prometheus/data/ballast").unlink()
