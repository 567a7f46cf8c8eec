"""The settings of the rules: prometheus/settings.yml, and what another team's file changes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from app.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = ROOT / "prometheus/settings.yml"
SECTIONS = ("areas", "jobs", "thresholds", "slos")
UNITS = ("ratio", "seconds", "count")
_JOB = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that an alert compares with. `unit` is ratio (0 to 1), seconds, or count."""

    value: float
    unit: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.value:g}"


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


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
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
    return Settings(
        areas,
        settings.jobs | jobs,
        settings.thresholds | changed,
        settings.slos | {name: _change_slo(settings.slos[name], name, slo, path) for name, slo in slos.items()},
    )


def _section(document: dict[str, Any], name: str, known: dict[str, Any], path: Path) -> dict[str, Any]:
    section = document.get(name) or {}
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
    if isinstance(value, dict):
        value = value.get("value")
    return replace(threshold, value=_read_number(value, threshold.unit, f"{path}: threshold {name}"))


def _read_number(value: Any, unit: str, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{what} must be a number ({unit}), and is {value!r}")
    if not 0 <= value < float("inf") or (unit == "ratio" and value > 1):
        raise ConfigError(f"{what} must be {'between 0 and 1' if unit == 'ratio' else '0 or more'}, and is {value:g}")
    return value


def _change_slo(slo: dict[str, Any], name: str, changes: Any, path: Path) -> dict[str, Any]:
    if not isinstance(changes, dict):
        raise ConfigError(f"{path}: slo {name} must be a mapping of: {', '.join(slo)}")
    _check_names(changes, slo, f"{path}: slo {name}:")
    for key, value in changes.items():
        if isinstance(slo[key], int | float):
            number = _read_number(value, "ratio" if key == "objective" else "count", f"{path}: slo {name}.{key}")
            if key == "seconds" and number == int(number):
                raise ConfigError(
                    f"{path}: slo {name}.seconds must be a bucket's bound that is no whole number, such as 0.25, "
                    f"because Prometheus 2 and 3 write whole ones differently; it is {number:g}"
                )
    return slo | changes
