"""The processes' logs: the last lines, and what comes after them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from app.errors import UsageError
from stack.layout import Layout

POLL_S = 0.25
TAIL_BYTES = 1 << 20


def find_logs(layout: Layout, process: str | None) -> list[Path]:
    """The log of `process`, or all. Raises UsageError with the names there are."""
    paths = sorted(layout.logs.glob("*.log"))
    if process is None:
        return paths
    chosen = [path for path in paths if path.stem == process]
    if not chosen:
        names = ", ".join(path.stem for path in paths) or "none yet"
        raise UsageError(f"there is no log of {process!r}; there are: {names}")
    return chosen


def read_tail(path: Path, lines: int) -> list[str]:
    """The last `lines` lines within the last MB of `path`."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode("utf-8", "replace").splitlines()[-lines:] if lines else []


def follow_logs(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """Complete new lines of each file, for ever; a file that was rotated is read on from its start."""
    positions = {path: path.stat().st_size for path in paths}
    while True:
        for path in paths:
            size = path.stat().st_size if path.exists() else 0
            start = positions[path] if positions[path] <= size else 0
            if size == start:
                continue
            with path.open("rb") as file:
                file.seek(start)
                text, _, _ = file.read(size - start).rpartition(b"\n")
            positions[path] = start + len(text) + 1 if text else start
            for line in text.decode("utf-8", "replace").splitlines():
                yield path, line
        time.sleep(POLL_S)
