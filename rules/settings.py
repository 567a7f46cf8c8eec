"""The settings of the rules: prometheus/settings.yml, and what another team's file changes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from app import telemetry
from app.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = ROOT / "prometheus/settings.yml"
SECTIONS = ("areas", "jobs", "thresholds", "slos")
UNITS = ("ratio", "seconds", "count")
_JOB = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
# The first is never above the second: a warning comes no later than the page, whichever way the number is compared.
ORDERED = (
    ("job_age_warning", "job_age_page"),
    ("pool_saturated", "pool_exhausted"),
    ("pool_wait_warning", "pool_wait_page"),
    ("disk_trend_page", "disk_trend_warning"),
    ("disk_left_page", "disk_trend_page"),
    ("disk_ahead_page", "disk_ahead_warning"),
    ("postgres_connections_warning", "postgres_connections_page"),
)
FASTEST_BURN = 14.4  # times the even pace; the first of the windows in templates/alerts/slo.yml
# The histograms in which an objective's `seconds` must be a bucket.
SLO_BUCKETS = {"accept_latency": telemetry.REQUEST_BUCKETS, "accept_to_stored": telemetry.STORED_BUCKETS}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that an alert compares with. `unit` is ratio (0 to 1), seconds, or count."""

    value: float
    unit: str
    meaning: str

    def __str__(self) -> str:
        short = f"{self.value:g}"
        return short if float(short) == self.value else f"{self.value:.15g}"


@dataclass(frozen=True)
class Settings:
    """Job names by part, thresholds by name, service level objectives by name, and the areas to write."""

    areas: tuple[str, ...]
    jobs: dict[str, str]
    thresholds: dict[str, Threshold]
    slos: dict[str, dict[str, Any]]


def load_settings(path: Path | None = None) -> Settings:
    """The defaults, with what the file at `path` says differently. Raises ConfigError with a sentence."""
    document = _read(DEFAULTS)
    settings = Settings(
        tuple(document["areas"]),
        document["jobs"],
        {name: Threshold(**entry) for name, entry in document["thresholds"].items()},
        document.get("slos", {}),
    )
    return settings if path is None else _overlay(settings, _read(path), path)


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML takes the last without a word. Raises ConfigError."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _value in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise ConfigError(f"line {key.start_mark.line + 1}: {key.value!r} stands there for the second time")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - it is a SafeLoader
    except ConfigError as error:
        raise ConfigError(f"{path}, {error}") from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} is empty or no mapping; it has the sections {', '.join(SECTIONS)}")
    return document


def _overlay(settings: Settings, document: dict[str, Any], path: Path) -> Settings:
    _check_names(document, SECTIONS, f"{path}: section")
    areas = settings.areas
    if "areas" in document:
        areas = document["areas"]
        if not isinstance(areas, list) or not areas:
            raise ConfigError(f"{path}: areas must be a list of one or more of: {', '.join(settings.areas)}")
        _check_names(areas, settings.areas, f"{path}: area")
        areas = tuple(areas)
    jobs = _section(document, "jobs", settings.jobs, path)
    for part, job in jobs.items():
        if not isinstance(job, str) or not _JOB.fullmatch(job):
            raise ConfigError(f"{path}: jobs.{part} must be the text of a job label, like my-api, and is {job!r}")
    thresholds = _section(document, "thresholds", settings.thresholds, path)
    changed = {name: _change(settings.thresholds[name], name, value, path) for name, value in thresholds.items()}
    slos = _section(document, "slos", settings.slos, path)
    made = Settings(
        areas,
        settings.jobs | jobs,
        settings.thresholds | changed,
        settings.slos | {name: _change_slo(settings.slos[name], name, slo, path) for name, slo in slos.items()},
    )
    _check_together(made, path)
    return made


def _check_together(settings: Settings, path: Path) -> None:
    """What fits alone and not beside the others."""
    parts: dict[str, str] = {}
    for part, job in settings.jobs.items():
        if job in parts:
            raise ConfigError(
                f"{path}: jobs.{parts[job]} and jobs.{part} are both {job!r}; give each its own, also where you do not "
                f"run it, because rules tell parts apart by their job"
            )
        parts[job] = part
    for lower, upper in ORDERED:
        if settings.thresholds[lower].value > settings.thresholds[upper].value:
            raise ConfigError(
                f"{path}: threshold {lower} must not be above {upper}, and is {settings.thresholds[lower]} against "
                f"{settings.thresholds[upper]}"
            )


def _section(document: dict[str, Any], name: str, known: dict[str, Any], path: Path) -> dict[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: {name} must be a mapping of names")
    _check_names(section, known, f"{path}: {name.removesuffix('s')}")
    return section


def _check_names(given: Any, known: Any, what: str) -> None:
    for name in given:
        if name not in known:
            raise ConfigError(f"{what} {name!r} is not known; there are: {', '.join(known)}")


def _change(threshold: Threshold, name: str, value: Any, path: Path) -> Threshold:
    """The threshold under another value: a bare number, or a mapping with `value`."""
    what = f"{path}: threshold {name}"
    if isinstance(value, dict):
        _check_names(value, ("value", "unit", "meaning"), f"{what}:")
        if value.get("unit", threshold.unit) != threshold.unit:
            raise ConfigError(f"{what} is in {threshold.unit}, which no settings change, and not in {value['unit']!r}")
        value = value.get("value")
    number = _read_number(value, threshold.unit, what)
    if threshold.unit == "ratio" and not 0 < number <= 1:
        raise ConfigError(f"{what} must be between 0 and 1, and is {number:g}; 0 would hold always, or never")
    if threshold.unit == "seconds" and number == 0:
        raise ConfigError(f"{what} must be more than 0 seconds: no time at all would hold always, or is no window")
    return replace(threshold, value=number)


def _read_number(value: Any, unit: str, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        told = f"{what} must be a number ({unit}), and is {value!r}"
        if isinstance(value, str) and re.fullmatch(r"[+-]?[\d.]+[eE][+-]?\d+", value):
            told += ", which is text in YAML: write 1.0e+9, with a point and a sign, or all digits"
        raise ConfigError(told)
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{what} must be 0 or more, and is {value:g}")
    return value


def _change_slo(slo: dict[str, Any], name: str, changes: Any, path: Path) -> dict[str, Any]:
    if not isinstance(changes, dict):
        raise ConfigError(f"{path}: slo {name} must be a mapping of: {', '.join(slo)}")
    _check_names(changes, slo, f"{path}: slo {name}:")
    if "objective" in changes:
        objective = _read_number(changes["objective"], "ratio", f"{path}: slo {name}.objective")
        if not 0 < objective < 1:
            raise ConfigError(
                f"{path}: slo {name}.objective must be between 0 and 1, and is {objective:g}; at 1 nothing may fail"
            )
        if FASTEST_BURN * (1 - objective) >= 1:
            raise ConfigError(
                f"{path}: slo {name}.objective must be above {1 - 1 / FASTEST_BURN:.3f}, and is {objective:g}: people "
                f"are called when {FASTEST_BURN:g} times the budget burns, and that would be more than all there is"
            )
    if "seconds" in changes:
        seconds = _read_number(changes["seconds"], "seconds", f"{path}: slo {name}.seconds")
        bounds = [bound for bound in SLO_BUCKETS[name] if bound != int(bound)]
        if seconds not in bounds:
            known = ", ".join(f"{bound:g}" for bound in bounds)
            raise ConfigError(
                f"{path}: slo {name}.seconds must be a bucket's bound that is no whole number (Prometheus 2 and 3 "
                f"write whole ones differently), one of {known}; it is {seconds:g}"
            )
    return slo | changes
