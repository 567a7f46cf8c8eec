"""docs/panels.json: the panels that were empty under a healthy load, and the drills that fill such ones."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drills.asking import Panels
from drills.files import rewrite
from rules.files import ROOT

PANELS = ROOT / "docs/panels.json"


def record_empty(empty: Panels, path: Path = PANELS) -> None:
    """Keep which panels were empty, as they had announced."""
    rewrite(path, lambda document: {**document, "empty_under_load": empty})


def record_filled(drill: str, filled: Panels, path: Path = PANELS) -> None:
    """Merge what a drill filled into the file at `path`."""
    rewrite(path, lambda document: merge_filled(document, drill, filled))


def merge_filled(document: Mapping[str, Any], drill: str, filled: Panels) -> dict[str, Any]:
    """`document` with what this drill filled, in place of what it filled before."""
    drills = {**document.get("drills", {}), drill: filled}
    return {**document, "drills": {name: panels for name, panels in sorted(drills.items()) if panels}}


def read_empty(path: Path = PANELS) -> Panels:
    """The panels that were empty when a healthy stack was last under load."""
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    empty: Panels = document.get("empty_under_load", {})
    return empty


def read_fillers(path: Path = PANELS) -> dict[str, list[str]]:
    """By `uid: title`, the drills that filled a panel."""
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    fillers: defaultdict[str, list[str]] = defaultdict(list)
    for drill, panels in document.get("drills", {}).items():
        for uid, titles in panels.items():
            for title in titles:
                fillers[f"{uid}: {title}"].append(drill)
    return dict(fillers)
