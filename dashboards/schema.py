"""A dashboard's JSON against the types that Grafana publishes: a wrong type, an unknown field, a misspelt panel.

dashboards/schema.json is made from @grafana/schema (dashboards/types; `palmonas dashboards schema`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError, best_match

SCHEMA = Path(__file__).with_name("schema.json")
# Of Grafana's own, but without a type in @grafana/schema 11.6 that a schema can be made of: only their frame is known.
UNTYPED = frozenset({"alertlist", "canvas", "datagrid", "flamegraph", "geomap", "nodeGraph", "traces", "xychart"})
LONGEST = 160  # characters of a message; a wrong object would be quoted whole


@cache
def _load() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return schema


@cache
def _validator(name: str) -> Draft7Validator:
    """For a panel of a type, or for one of the other parts: Frame, PrometheusQuery."""
    definitions = _load()["definitions"]
    wanted = definitions["Panels"]["properties"].get(name) or definitions[name]
    return Draft7Validator({**wanted, "definitions": definitions})


def find_faults(board: dict[str, Any]) -> list[str]:
    """What Grafana's types do not allow, one sentence each; empty when all fits."""
    # What begins with __ is written by "export for sharing", and taken out again by the import.
    frame = {key: value for key, value in board.items() if key != "panels" and not key.startswith("__")}
    faults = [f"the dashboard: {text}" for text in _tell(_validator("Frame").iter_errors(frame))]
    panels = board.get("panels", [])
    if not isinstance(panels, list):
        return [*faults, "the dashboard: panels is no list"]
    for panel in _flatten(panels):
        faults += [f"panel {panel.get('title') or panel.get('id')!r}: {text}" for text in _check_panel(panel)]
    return faults


def _flatten(panels: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Every panel, those in a closed row after it; what is no object stands for itself."""
    for panel in panels:
        if not isinstance(panel, dict):
            yield {"title": str(panel)[:40], "type": panel}
        elif panel.get("type") == "row" and isinstance(panel.get("panels"), list):
            yield {**panel, "panels": []}
            yield from _flatten(panel["panels"])
        else:
            yield panel


def _check_panel(panel: dict[str, Any]) -> list[str]:
    kind = panel.get("type")
    known = _load()["definitions"]["Panels"]["properties"]
    if isinstance(kind, str) and kind in UNTYPED:
        return []
    if not isinstance(kind, str) or kind not in known:
        return [f"there is no panel type {kind!r}"]
    faults = _tell(_validator(kind).iter_errors(panel))
    if faults:
        return faults
    for number, query in enumerate(panel.get("targets") or []):
        source = query.get("datasource") or panel.get("datasource") or {}
        if source.get("type", "prometheus") == "prometheus":
            faults += [f"targets.{number}.{text}" for text in _tell(_validator("PrometheusQuery").iter_errors(query))]
    return faults


def _tell(errors: Iterable[ValidationError]) -> list[str]:
    told = []
    for error in errors:
        deepest = best_match([error])
        where = ".".join(str(step) for step in deepest.absolute_path) or "itself"
        told.append(f"{where}: {deepest.message[:LONGEST]}")
    return sorted(set(told))
