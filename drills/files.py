"""Files that several runs write to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def rewrite(path: Path, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Replace the JSON at `path` (`{}` when there is none). Runs that record at the same time wait for each other."""
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        new = path.with_suffix(".new")
        new.write_text(json.dumps(change(document), indent=2) + "\n", encoding="utf-8")
        new.replace(path)
    finally:
        os.close(directory)
