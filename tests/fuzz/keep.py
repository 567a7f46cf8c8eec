"""Choose, of many inputs, the few that reach new lines: small ones first, and made smaller as far as that goes."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from app.channel_settings import FOLDER
from tests.fuzz.mutate import list_places

Steps = frozenset[tuple[str, int, int]]
# All that one target may keep. Bytes; with a dozen targets the repository stays below half a megabyte.
LARGEST_CORPUS = 36_000
_CODE = str(FOLDER)


def trace(run: Callable[[bytes], None], data: bytes) -> Steps:
    """The steps from line to line that `run` takes in the code of the channels."""
    found: set[tuple[str, int, int]] = set()

    def follow(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_CODE):
            return None
        last = 0

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event in ("line", "exception"):
                found.add((frame.f_code.co_filename, last, frame.f_lineno if event == "line" else -frame.f_lineno))
                last = frame.f_lineno
            return step

        return step

    sys.settrace(follow)
    try:
        run(data)
    finally:
        sys.settrace(None)
    return frozenset(found)


def choose(run: Callable[[bytes], None], lines: int, known: Iterable[bytes], found: Iterable[bytes]) -> list[bytes]:
    """Of `found`, what reaches steps that `known` does not, made smaller."""
    reached: set[tuple[str, int, int]] = set()
    for data in known:
        reached |= trace(run, data)
    chosen = []
    for data in sorted(found, key=len):
        new = trace(run, data) - reached
        if new:
            small = shrink(data, lines, lambda smaller, new=new: new <= trace(run, smaller))  # type: ignore[misc]
            reached |= trace(run, small)
            chosen.append(small)
    return chosen


def shrink(data: bytes, lines: int, is_enough: Callable[[bytes], bool]) -> bytes:
    """`data` with every part of its JSON taken out that is not needed."""
    *head, body = data.split(b"\n", lines)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return data

    def write() -> bytes:
        return b"\n".join([*head, json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")])

    try:
        if not is_enough(write()):
            return data
        for container, key in reversed(list(list_places(document))):
            kept = container.copy()
            del container[key]
            if not is_enough(write()):
                container.clear() if isinstance(container, dict) else container.__delitem__(slice(None))
                container.update(kept) if isinstance(container, dict) else container.extend(kept)
        return min(write(), data, key=len)
    except UnicodeEncodeError:
        return data


def write_corpus(folder: Path, chosen: Iterable[bytes]) -> int:
    """Add inputs to `folder` under names of their own, as long as there is room; how many were added."""
    folder.mkdir(parents=True, exist_ok=True)
    size = sum(path.stat().st_size for path in folder.iterdir())
    added = 0
    for data in chosen:
        path = folder / hashlib.sha256(data).hexdigest()[:12]
        if not path.exists() and size + len(data) <= LARGEST_CORPUS:
            path.write_bytes(data)
            size += len(data)
            added += 1
    return added
