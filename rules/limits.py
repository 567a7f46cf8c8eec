"""Lines on the graphs: the thresholds of the alerts, so that a line on a graph is the line that pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from rules.settings import Settings, load_settings

_CHOSEN: ContextVar[Settings | None] = ContextVar("settings of the dashboards", default=None)


@contextmanager
def use_settings(settings: Settings) -> Iterator[None]:
    """Within the block, what is built has the lines of `settings` and not those of prometheus/settings.yml."""
    token = _CHOSEN.set(settings)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def limit(name: str) -> float:
    """The threshold `name` of the settings, in its unit. Raises KeyError."""
    return _settings().thresholds[name].value


def promised_seconds(slo: str) -> float:
    """The time within which the events of an objective are good. Raises KeyError."""
    return float(_settings().slos[slo]["seconds"])


def tell_seconds(seconds: float) -> str:
    """In words: 250 ms, 2.5 s."""
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


def wanted_areas() -> frozenset[str]:
    """The areas whose alerts are written."""
    return frozenset(_settings().areas)


def _settings() -> Settings:
    return _CHOSEN.get() or _load_defaults()


@cache
def _load_defaults() -> Settings:
    return load_settings()
