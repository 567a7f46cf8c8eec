"""A process takes two connections of its pool and never gives them back: our pool, our metrics, another worker."""

from __future__ import annotations

import json
import subprocess
import sys

from drills.stand import Stand
from stack.layout import ROOT
from stack.processes import find_free_port

EXPECT = ("ConnectionPoolLeak",)
DETECT_S = 240.0
RESOLVE_S = 180.0
STOP_DEADLINE_S = 10.0


def inject(stand: Stand) -> None:
    port = find_free_port()
    database = str(stand.layout.secrets / "database_url")
    leaking = subprocess.Popen([sys.executable, "-m", "drills.leaking", str(port), database], cwd=ROOT)
    stand.undo.callback(leaking.wait, STOP_DEADLINE_S)
    stand.undo.callback(leaking.kill)
    path = stand.layout.state / "prometheus/targets/palmonas-worker.json"
    good = path.read_text(encoding="utf-8")
    stand.undo.callback(path.write_text, good, "utf-8")
    target = {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": "worker-leaking"}}
    path.write_text(json.dumps([*json.loads(good), target]), encoding="utf-8")


def heal(stand: Stand) -> None:
    stand.undo.close()
