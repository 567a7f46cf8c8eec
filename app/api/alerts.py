"""What is wrong now: Prometheus' alerts, with what Alertmanager holds back of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from re import search
from typing import Any

from app.api.operations_schemas import AlertAnswer, SilenceOfAlert
from app.outbound.alertmanager import UNTOUCHABLE

SEVERITIES = ("page", "warning", "info")  # worst first
LEAD = timedelta(minutes=30)  # what came before an alert belongs to it

Alert = Mapping[str, Any]


def list_alerts(
    alerts: Sequence[Alert] | None,
    held: Sequence[Alert] | None,
    silences: Sequence[Alert] | None,
    runbooks: frozenset[str],
) -> list[AlertAnswer]:
    """Alerts without the one that fires always; worst first, those that are held back last.

    `alerts` are Prometheus' and `held` those Alertmanager has, which are told by themselves when Prometheus (None) does
    not answer. `runbooks` names those there are.
    """
    known = {str(one["id"]): one for one in silences or ()}
    found = []
    for alert in held or () if alerts is None else alerts:
        labels = dict(alert["labels"])
        if labels.get("alertname") != UNTOUCHABLE:
            mine = _find_held(labels, held or ())
            found.append(_describe(alert, labels, mine["status"] if mine else {}, known, runbooks))
    return sorted(found, key=_rank)


def _find_held(labels: Mapping[str, str], held: Sequence[Alert]) -> Alert | None:
    """The same alert at Alertmanager, where it has Prometheus' external labels, too."""
    return next((one for one in held if labels.items() <= one["labels"].items()), None)


def _describe(
    alert: Alert,
    labels: dict[str, str],
    status: Mapping[str, Any],
    silences: Mapping[str, Alert],
    runbooks: frozenset[str],
) -> AlertAnswer:
    annotations = alert.get("annotations", {})
    since = _read_time(alert.get("activeAt") or alert["startsAt"])
    runbook = PurePosixPath(annotations.get("runbook_url", "")).stem
    board = search(r"/d/([A-Za-z0-9_-]+)", annotations.get("dashboard_url", ""))
    return AlertAnswer(
        name=labels.get("alertname", ""),
        state="pending" if alert.get("state") == "pending" else "firing",
        severity=labels.get("severity", ""),
        area=labels.get("area"),
        summary=annotations.get("summary", ""),
        description=annotations.get("description", ""),
        runbook=f"/runbooks/{runbook}" if runbook in runbooks else None,
        dashboard=link_dashboard(board[1], since - LEAD) if board else None,
        since=since,
        labels=labels,
        silenced_by=[_describe_silence(silences[one]) for one in status.get("silencedBy", ()) if one in silences],
        inhibited=bool(status.get("inhibitedBy")),
    )


def link_dashboard(uid: str, since: datetime) -> str:
    """The page of a dashboard, from then until now."""
    return f"/dashboards/{uid}?from={int(since.timestamp() * 1000)}&to=now"


def _describe_silence(silence: Alert) -> SilenceOfAlert:
    return SilenceOfAlert(
        id=silence["id"], reason=silence["comment"], by=silence["createdBy"], until=_read_time(silence["endsAt"])
    )


def _rank(alert: AlertAnswer) -> tuple[bool, bool, int, datetime]:
    severity = SEVERITIES.index(alert.severity) if alert.severity in SEVERITIES else len(SEVERITIES)
    held_back = bool(alert.silenced_by) or alert.inhibited
    return held_back, alert.state == "pending", severity, alert.since


def _read_time(text: str) -> datetime:
    """A time as Go writes it: with up to nine digits behind the second. Raises ValueError."""
    return datetime.fromisoformat(text).astimezone(UTC)
