"""docs/drills.json: the times of every drill that passed, and nothing about the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drills.files import rewrite
from drills.run import Result
from drills.soak import SoakResult
from rules.proofs import DRILLS


def describe_result(result: Result) -> dict[str, Any]:
    """A passed drill as JSON; seconds with one decimal place."""

    def round_times(steps: Mapping[str, Any]) -> dict[str, Any]:
        return {name: round(value, 1) if isinstance(value, float) else value for name, value in steps.items()}

    return {
        "fault": result.drill.fault,
        "factor": result.factor,
        "notifications": result.notifications,
        "held_back": result.held_back,
        "alerts": {name: round_times(asdict(steps)) for name, steps in sorted(result.steps.items())},
    }


def merge_result(document: Mapping[str, Any], result: Result) -> dict[str, Any]:
    """`document` with this drill's entry replaced; runs in real time are kept apart from scaled ones.

    Raises ValueError for a drill that did not pass: it proves nothing.
    """
    if result.problems:
        raise ValueError(f"{result.drill.name} did not pass")
    section = "scaled" if result.factor != 1 else "real_time"
    entries = {**document.get(section, {}), result.drill.name: describe_result(result)}
    return {**document, section: dict(sorted(entries.items()))}


def merge_soak(document: Mapping[str, Any], result: SoakResult) -> dict[str, Any]:
    """`document` with this soak, unless it has a longer one. Raises ValueError for one that was not silent."""
    if not result.is_silent:
        raise ValueError("somebody was notified")
    if document.get("soak", {}).get("minutes", 0) > result.minutes:
        return dict(document)
    return {**document, "soak": asdict(result)}


def record_soak(result: SoakResult, path: Path = DRILLS) -> None:
    """Merge a silent soak into the file at `path`."""
    rewrite(path, lambda document: merge_soak(document, result))


def record_result(result: Result, path: Path = DRILLS) -> None:
    """Merge a passed drill into the file at `path`."""
    rewrite(path, lambda document: merge_result(document, result))
