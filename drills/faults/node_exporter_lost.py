"""Prometheus is told of a second machine, whose exporter does not answer; the first one's does."""

from __future__ import annotations

import json

from drills.stand import Stand
from rules.settings import load_settings
from stack.processes import find_free_port

EXPECT = ("TargetDown",)
DETECT_S = 90.0


def inject(stand: Stand) -> None:
    path = stand.layout.state / f"prometheus/targets/{load_settings().jobs['node']}.json"
    good = path.read_text(encoding="utf-8")
    stand.undo.callback(path.write_text, good, "utf-8")
    lost = {"targets": [f"127.0.0.1:{find_free_port()}"], "labels": {"instance": "node-2"}}
    path.write_text(json.dumps([*json.loads(good), lost]), encoding="utf-8")


def heal(stand: Stand) -> None:
    stand.undo.close()
