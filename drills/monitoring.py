"""The stack's own Prometheus and Alertmanager configuration on a quicker clock, sending to the drill's receiver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from rules.scale import read_duration, render_scaled, scale_duration
from rules.settings import load_settings
from stack.layout import Layout
from stack.monitoring import SOURCE

DEAR_INTERVAL = "15s"  # the exporter of processes reads all of /proc: every 3 s it took more than any part of the stack
ROUTE_TIMES = ("group_wait", "group_interval", "repeat_interval")


def scale_prometheus(document: dict[str, Any], factor: float) -> dict[str, Any]:
    """Intervals divided by `factor`. A timeout is the machine's time, so it stays, but not above the interval."""
    scaled = document | {"global": _scale_intervals(document["global"], document["global"], factor)}
    scaled["scrape_configs"] = [_scale_job(job, document["global"], factor) for job in document["scrape_configs"]]
    return scaled


def _scale_job(job: dict[str, Any], defaults: dict[str, Any], factor: float) -> dict[str, Any]:
    """A job with an interval of its own is one whose scrapes are dear: it keeps at least DEAR_INTERVAL."""
    if "scrape_interval" not in job:
        return _scale_intervals(job, defaults, factor)
    interval = max(scale_duration(job["scrape_interval"], factor), DEAR_INTERVAL, key=read_duration)
    return job | {
        "scrape_interval": interval,
        "scrape_timeout": min(job["scrape_timeout"], interval, key=read_duration),
    }


def _scale_intervals(section: dict[str, Any], defaults: dict[str, Any], factor: float) -> dict[str, Any]:
    changed: dict[str, str] = {
        name: scale_duration(section[name], factor)
        for name in ("scrape_interval", "evaluation_interval")
        if name in section
    }
    interval = changed.get("scrape_interval") or scale_duration(defaults["scrape_interval"], factor)
    if "scrape_timeout" in section:
        changed["scrape_timeout"] = min(section["scrape_timeout"], interval, key=read_duration)
    return section | changed


def scale_alertmanager(document: dict[str, Any], factor: float, url: str) -> dict[str, Any]:
    """The same routes and inhibitions with their times divided by `factor`, and every receiver at `url`/<its name>."""
    receivers = [
        {"name": one["name"], "webhook_configs": [{"url": f"{url}/{one['name']}", "send_resolved": True}]}
        for one in document["receivers"]
    ]
    return document | {"route": _scale_route(document["route"], factor), "receivers": receivers}


def _scale_route(route: dict[str, Any], factor: float) -> dict[str, Any]:
    scaled = route | {name: scale_duration(route[name], factor) for name in ROUTE_TIMES if name in route}
    if "routes" in route:
        scaled["routes"] = [_scale_route(child, factor) for child in route["routes"]]
    return scaled


def place_configuration(layout: Layout, factor: float, url: str) -> None:
    """Put the scaled copies where the stack has links to the committed files. Reload or restart after it."""
    prometheus, alertmanager = layout.state / "prometheus", layout.state / "alertmanager"
    _write(prometheus / "prometheus.yml", scale_prometheus(_read(SOURCE / "prometheus.yml"), factor))
    _write(alertmanager / "alertmanager.yml", scale_alertmanager(_read(SOURCE / "alertmanager.yml"), factor, url))
    for name in ("rules", "alerts"):
        (prometheus / name).unlink()
        (prometheus / name).mkdir()
    place_rules(layout, factor)


def place_rules(layout: Layout, factor: float, **lines: float) -> None:
    """Write the scaled rules, with some thresholds of prometheus/settings.yml at other values. Reload after it."""
    settings = load_settings()
    moved = {name: replace(settings.thresholds[name], value=line) for name, line in lines.items()}
    settings = replace(settings, thresholds=settings.thresholds | moved)
    for path, text in render_scaled(settings, factor).items():
        (layout.state / "prometheus" / path).write_text(text, encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def _write(path: Path, document: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)  # a link to the committed file: what is written must not go there
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
