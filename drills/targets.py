"""Scrape targets of a drill's own, beside the stack's."""

from __future__ import annotations

import json
from collections.abc import Mapping

from drills.stand import Stand
from stack.monitoring import fetch_targets
from stack.processes import wait_until

FORGOTTEN_DEADLINE_S = 20.0  # Prometheus takes over what its target files say every five seconds


def add_target(stand: Stand, job: str, address: str, labels: Mapping[str, str]) -> None:
    """Have `address` scraped for `job` until the drill is undone; undone when Prometheus has forgotten it.

    Until then whatever answers there must go on, or it counts as down.
    """
    path = stand.layout.state / f"prometheus/targets/{job}.json"
    good = path.read_text(encoding="utf-8")

    def is_forgotten() -> bool:
        return labels["instance"] not in (fetch_targets(stand.layout) or {})

    stand.undo.callback(wait_until, is_forgotten, FORGOTTEN_DEADLINE_S, 0.2)
    stand.undo.callback(path.write_text, good, "utf-8")
    target = {"targets": [address], "labels": dict(labels)}
    path.write_text(json.dumps([*json.loads(good), target]), encoding="utf-8")
