"""Lines on the graphs: the thresholds of the alerts, so that a line on a graph is the line that pages."""

from __future__ import annotations

from functools import cache

from rules.settings import load_settings


@cache
def _values() -> dict[str, float]:
    return {name: threshold.value for name, threshold in load_settings().thresholds.items()}


def limit(name: str) -> float:
    """The threshold `name` of prometheus/settings.yml, in its unit. Raises KeyError."""
    return _values()[name]
