"""The rule files as they are on disk: recording rules and alerts, each with the file it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Labels of a rule that tell apart those of one name and severity.
KINDS = ("part", "window", "target")


@dataclass(frozen=True)
class Recording:
    """A recording rule: the series `name` is what `expr` was at the last evaluation, with the rule's own `labels`.

    Several rules may fill one series name, when they differ in a label.
    """

    name: str
    expr: str
    file: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Alert:
    """An alerting rule. `hold` is its `for`, as written; `0s` when it has none."""

    name: str
    expr: str
    hold: str
    labels: dict[str, str]
    annotations: dict[str, str]
    file: str

    @property
    def severity(self) -> str:
        return self.labels["severity"]

    @property
    def kind(self) -> str:
        return read_kind(self.labels)

    @property
    def path(self) -> tuple[str, str, str]:
        """Name, severity and kind: no two alerts have the same."""
        return self.name, self.severity, self.kind


def read_kind(labels: Mapping[str, str]) -> str:
    """What tells an alert from others of its name and severity; empty when there are none."""
    return next((labels[name] for name in KINDS if name in labels), "")


def fits(wanted: str, name: str, severity: str, kind: str) -> bool:
    """True when `wanted` is `name`, `name/severity` or `name/severity/kind`."""
    parts = wanted.split("/")
    return parts == [name, severity, kind][: len(parts)]


def _read_rules(folder: Path, root: Path) -> Iterator[tuple[dict[str, Any], str]]:
    for path in sorted(folder.glob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in document["groups"]:
            for rule in group["rules"]:
                yield rule, path.relative_to(root).as_posix()


@cache
def read_recordings(root: Path = ROOT) -> tuple[Recording, ...]:
    """The recording rules of `prometheus/rules`, in the order of the files."""
    return tuple(parse_recording(rule, file) for rule, file in _read_rules(root / "prometheus/rules", root))


@cache
def read_alerts(root: Path = ROOT) -> tuple[Alert, ...]:
    """The alerts of `prometheus/alerts`, in file order; one name may come with several severities."""
    return tuple(parse_alert(rule, file) for rule, file in _read_rules(root / "prometheus/alerts", root))


def parse_recording(rule: dict[str, Any], file: str) -> Recording:
    """A recording rule as it stands in a rule file. Raises KeyError."""
    return Recording(rule["record"], str(rule["expr"]).strip(), file, tuple(rule.get("labels", {}).items()))


def parse_alert(rule: dict[str, Any], file: str) -> Alert:
    """An alert as it stands in a rule file. Raises KeyError."""
    return Alert(
        rule["alert"],
        str(rule["expr"]).strip(),
        str(rule.get("for", "0s")),
        rule.get("labels", {}),
        rule.get("annotations", {}),
        file,
    )
