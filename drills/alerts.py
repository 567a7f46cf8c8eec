"""What was seen of alerts and notifications, and whether it is what a drill expects. No clock and no network here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drills.ambient import is_ambient
from rules.files import fits, read_kind

ALWAYS = "Watchdog"


@dataclass(frozen=True, order=True)
class Key:
    """An alert by name, severity, and what else tells it from others: what a notification is told apart by."""

    name: str
    severity: str
    kind: str = ""
    ambient: bool = False

    def fits(self, wanted: str) -> bool:
        """True for `Name`, `Name/severity` and `Name/severity/kind` of this alert."""
        return fits(wanted, self.name, self.severity, self.kind)

    def __str__(self) -> str:
        return "/".join(part for part in (self.name, self.severity, self.kind) if part)


def read_key(labels: Mapping[str, str]) -> Key:
    return Key(labels["alertname"], labels.get("severity", "none"), read_kind(labels), is_ambient(labels))


@dataclass
class Sighting:
    """When an alert was first seen in each state; `gone_at`: not there any more, for the last time."""

    pending_at: float | None = None
    firing_at: float | None = None
    gone_at: float | None = None


@dataclass
class AlertLog:
    """Follows the alerts of Prometheus: inactive -> pending -> firing -> inactive, for each name and severity."""

    seen: dict[Key, Sighting] = field(default_factory=dict)

    def note(self, at: float, alerts: Iterable[Mapping[str, Any]]) -> None:
        """Take in one answer of /api/v1/alerts, seen at `at` (seconds of any steady clock)."""
        states: dict[Key, set[str]] = {}
        for alert in alerts:
            states.setdefault(read_key(alert["labels"]), set()).add(alert["state"])
        for key, there in states.items():
            sighting = self.seen.setdefault(key, Sighting())
            sighting.gone_at = None
            if "pending" in there and sighting.pending_at is None and sighting.firing_at is None:
                sighting.pending_at = at
            if "firing" in there and sighting.firing_at is None:
                sighting.firing_at = at
        for key, sighting in self.seen.items():
            if key not in states and sighting.gone_at is None:
                sighting.gone_at = at

    def list_fired(self) -> list[Key]:
        return sorted(key for key, one in self.seen.items() if one.firing_at is not None and key.name != ALWAYS)

    def find(self, wanted: str) -> list[Key]:
        return [key for key in self.list_fired() if key.fits(wanted)]


@dataclass(frozen=True)
class Notice:
    """One message of Alertmanager: `firing` and `resolved` are the alerts in it by their own state."""

    at: float
    receiver: str
    group: str
    firing: frozenset[Key]
    resolved: frozenset[Key]


def read_notice(at: float, receiver: str, message: Mapping[str, Any]) -> Notice:
    """A Notice from the JSON that Alertmanager posts to a web hook (version 4). Raises KeyError."""
    by_state: dict[str, set[Key]] = {"firing": set(), "resolved": set()}
    for alert in message["alerts"]:
        by_state[alert["status"]].add(read_key(alert["labels"]))
    return Notice(at, receiver, message["groupKey"], frozenset(by_state["firing"]), frozenset(by_state["resolved"]))


def first_firing(notices: Iterable[Notice], wanted: str) -> float | None:
    """When `wanted` was first notified as firing."""
    return min((one.at for one in notices if any(key.fits(wanted) for key in one.firing)), default=None)


def last_resolved(notices: Iterable[Notice], wanted: str) -> float | None:
    """When `wanted` was notified as resolved in every group that told of it; None while one has not."""
    told: dict[str, float | None] = {}
    for one in sorted(notices, key=lambda notice: notice.at):
        if any(key.fits(wanted) for key in one.firing):
            told[one.group] = None
        elif any(key.fits(wanted) for key in one.resolved):
            told[one.group] = one.at
    times = [at for at in told.values() if at is not None]
    return max(times) if times and len(times) == len(told) else None


def find_unexpected(notices: Iterable[Notice], allowed: Iterable[str]) -> list[str]:
    """Alerts that were notified as firing and nobody expects, as `Name/severity`; not Watchdog, nothing ambient."""
    wanted = list(allowed)
    keys = {key for one in notices for key in one.firing if key.name != ALWAYS and not key.ambient}
    return [str(key) for key in sorted(keys) if not any(key.fits(one) for one in wanted)]


def count_groups(notices: Iterable[Notice], expected: Iterable[str]) -> int:
    """How many different things somebody was told of, without Watchdog and what is ambient and not expected."""
    wanted = list(expected)

    def counts(key: Key) -> bool:
        return key.name != ALWAYS and (not key.ambient or any(key.fits(one) for one in wanted))

    return len({one.group for one in notices if any(map(counts, one.firing))})
