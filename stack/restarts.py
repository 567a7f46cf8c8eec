"""An event listener of supervisord: counts how often each process ended by itself.

Run as `python -m stack.restarts FILE`; FILE becomes {process: count}, replaced in one step.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from supervisor import childutils


def read_counts(path: Path) -> dict[str, int]:
    """The counts in `path`; empty when there is none yet or it is damaged."""
    try:
        return {str(name): int(count) for name, count in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def write_counts(path: Path, counts: dict[str, int]) -> None:
    """Replace `path` in one step, so that a reader never sees half of it."""
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(counts, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(path)


def main(path: Path) -> None:
    counts = read_counts(path)
    while True:
        _, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        process = childutils.get_headers(payload)["processname"]
        counts[process] = counts.get(process, 0) + 1
        write_counts(path, counts)
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
