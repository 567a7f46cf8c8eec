"""Prometheus' store is on a full disk (a tmpfs of 64 megabytes): rules are evaluated, nothing is stored. Needs root."""

from __future__ import annotations

import shutil

from drills.disk import fill_disk, mount_small
from drills.stand import Stand

EXPECT = ("PrometheusNotIngestingSamples",)
DETECT_S = 90.0
SIZE = 64 << 20  # bytes


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
    fill_disk(data)


def heal(stand: Stand) -> None:
    (stand.layout.state / "prometheus/data/ballast").unlink()
