"""The index of a block of Prometheus' store is cut short on the disk: at each look Prometheus fails to load it."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from app.errors import UsageError
from drills.stand import Stand
from stack.binaries import find_program

EXPECT = ("PrometheusStorageFailing",)
DETECT_S = 180.0  # Prometheus looks at its blocks once a minute, on any clock
RESOLVE_S = 480.0  # the alert's window
MAKE_DEADLINE_S = 30.0


def inject(stand: Stand) -> None:
    program = find_program("promtool")
    if program is None:
        raise UsageError("promtool was not found; apt-get install prometheus")
    store, made = stand.layout.state / "prometheus/data", stand.layout.state / "prometheus/made"
    long_ago = int(time.time()) - 86400
    samples = stand.layout.state / "prometheus/samples.txt"
    samples.write_text(f"# TYPE drill gauge\ndrill 1 {long_ago}\n# EOF\n", encoding="ascii")
    command = [str(program), "tsdb", "create-blocks-from", "openmetrics", str(samples), str(made)]
    subprocess.run(command, check=True, capture_output=True, timeout=MAKE_DEADLINE_S)
    for block in made.iterdir():
        index = block / "index"
        index.write_bytes(index.read_bytes()[:20])
        stand.undo.callback(shutil.rmtree, Path(shutil.move(block, store / block.name)))


def heal(stand: Stand) -> None:
    stand.undo.close()
