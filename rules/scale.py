"""The same rules on a quicker clock, for drills: nobody waits an hour for a window to pass.

Scaled by one factor: `for`, `keep_firing_for`, the interval of a group, windows and offsets in expressions, and the
thresholds of prometheus/settings.yml whose unit is seconds, except those in which nothing is quicker (`keeps_value`).
Not scaled: ratios, counts, and rates per second. A count within a window is therefore harder to reach in a drill than
in earnest: a drill must do in a tenth of the window what the alert asks of the whole.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from rules.build import render_rules
from rules.settings import Settings, Threshold

# Below one scrape a threshold is how fast a machine must be (a wait of 50 ms), and no drill makes a machine quicker.
LATENCY_BELOW_S = 15.0
# Ages of what we repeat on the wall's clock, in a drill too: the heartbeat of a worker, the sweep of the dispatcher.
WALL_CLOCK = ("heartbeat_age", "sweep_age_page")
# Written as windows, which are scaled with all others.
WINDOWS = ("queue_stuck",)
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
# Text in quotes and comments come first, so that nothing inside them is taken for a window.
_IN_EXPRESSION = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|\#[^\n]*)"""
    rf"""|(?P<window>\[\s*{_DURATION}\s*(?::\s*(?:{_DURATION})?\s*)?\])"""
    rf"""|(?P<offset>\boffset\s+-?\s*{_DURATION})"""
)


def read_duration(text: str) -> float:
    """Seconds of a duration as Prometheus writes it: `1h30m`, `500ms`, `0`. Raises ValueError."""
    if text.strip() == "0":
        return 0.0
    if not re.fullmatch(_DURATION, text.strip()):
        raise ValueError(f"{text!r} is no duration; write it like 30s, 5m or 1h30m")
    return sum(int(number) * UNITS_S[unit] for number, unit in _PART.findall(text))


def scale_duration(text: str, factor: float) -> str:
    """The duration divided by `factor`, in whole milliseconds; at least one, unless it was none."""
    seconds = read_duration(text)
    milliseconds = max(1, round(seconds * 1000 / factor)) if seconds else 0
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def scale_expression(expr: str, factor: float) -> str:
    """`expr` with every window and offset divided by `factor`, and nothing else changed."""

    def scale(found: re.Match[str]) -> str:
        if found["kept"]:
            return found["kept"]
        return re.sub(_DURATION, lambda duration: scale_duration(duration[0], factor), found[0])

    return _IN_EXPRESSION.sub(scale, expr)


def keeps_value(name: str, threshold: Threshold) -> bool:
    """True for a threshold that scaling leaves alone."""
    return threshold.unit != "seconds" or threshold.value < LATENCY_BELOW_S or name in (*WALL_CLOCK, *WINDOWS)


def scale_settings(settings: Settings, factor: float) -> Settings:
    """Thresholds in seconds divided by `factor`, except those of `keeps_value`."""
    scaled = {
        name: one if keeps_value(name, one) else replace(one, value=one.value / factor)
        for name, one in settings.thresholds.items()
    }
    return replace(settings, thresholds=scaled)


def scale_document(document: dict[str, Any], factor: float) -> dict[str, Any]:
    """A rule file's content, with `for`, group intervals, windows and offsets divided by `factor`."""
    return {"groups": [_scale_group(group, factor) for group in document["groups"]]}


def _scale_group(group: dict[str, Any], factor: float) -> dict[str, Any]:
    return _scale_fields(group, ("interval", "query_offset"), factor) | {
        "rules": [
            _scale_fields(rule, ("for", "keep_firing_for"), factor) | {"expr": scale_expression(rule["expr"], factor)}
            for rule in group["rules"]
        ]
    }


def _scale_fields(mapping: dict[str, Any], fields: tuple[str, ...], factor: float) -> dict[str, Any]:
    return mapping | {name: scale_duration(mapping[name], factor) for name in fields if name in mapping}


def render_scaled(settings: Settings, factor: float) -> dict[Path, str]:
    """Every rule file of `settings` on a clock that runs `factor` times as fast, by its path (rules/, alerts/)."""
    return {
        path: yaml.safe_dump(scale_document(yaml.safe_load(text), factor), sort_keys=False, width=1000)
        for path, text in render_rules(scale_settings(settings, factor)).items()
    }
