"""Alerts as the console tells them: of Prometheus, of Alertmanager, worst first, with what holds them back."""

from __future__ import annotations

from typing import Any

from app.api.alerts import list_alerts

RUNBOOKS = frozenset({"PalmonasApiDown"})
SILENCE = {"id": "s-1", "comment": "deploy 42", "createdBy": "user:7", "endsAt": "2026-11-22T22:00:00.123456789Z"}


def make_alert(name: str, severity: str = "page", state: str = "firing", minute: int = 0, **labels: str) -> Any:
    return {
        "labels": {"alertname": name, "severity": severity, "area": "api", **labels},
        "annotations": {
            "summary": "It is down.",
            "description": "Nobody answers.",
            "runbook_url": f"https://runbooks.example/docs/runbooks/{name}.md",
            "dashboard_url": "https://grafana.example/d/palmonas-api",
        },
        "state": state,
        "activeAt": f"2026-11-22T21:{minute:02}:00.123456789Z",
    }


def hold(alert: Any, *, silenced: tuple[str, ...] = (), inhibited: tuple[str, ...] = (), **labels: str) -> Any:
    """The same alert as Alertmanager has it."""
    return {
        "labels": alert["labels"] | labels,
        "annotations": alert["annotations"],
        "startsAt": alert["activeAt"],
        "status": {"state": "active", "silencedBy": list(silenced), "inhibitedBy": list(inhibited)},
    }


def list_names(*alerts: Any, held: tuple[Any, ...] = (), silences: tuple[Any, ...] = ()) -> list[str]:
    return [one.name for one in list_alerts(alerts, held, silences, RUNBOOKS)]


def test_the_worst_is_first_and_what_is_held_back_last() -> None:
    silenced, inhibited = make_alert("Silenced"), make_alert("Inhibited", minute=5)
    alerts = (
        make_alert("Info", "info"),
        silenced,
        make_alert("PendingPage", state="pending"),
        make_alert("Unknown", "loud"),
        make_alert("LatePage", minute=9),
        make_alert("Watchdog"),
        inhibited,
        make_alert("Warning", "warning"),
        make_alert("EarlyPage", minute=1),
    )
    held = (hold(silenced, silenced=("s-1",)), hold(inhibited, inhibited=("f00",)))
    assert list_names(*alerts, held=held, silences=(SILENCE,)) == [
        "EarlyPage",
        "LatePage",
        "Warning",
        "Info",
        "Unknown",
        "PendingPage",
        "Silenced",
        "Inhibited",
    ]


def test_a_silence_is_told_with_its_reason_and_end() -> None:
    alert = make_alert("PalmonasApiDown", instance="api-1")
    other = make_alert("PalmonasApiDown", instance="api-2")
    # Alertmanager knows it with Prometheus' external labels, too.
    held = (hold(other), hold(alert, silenced=("s-1", "ended"), cluster="eu"))
    first, second = list_alerts([alert, other], held, [SILENCE], RUNBOOKS)
    assert (first.labels["instance"], first.silenced_by) == ("api-2", [])
    (silence,) = second.silenced_by
    assert (silence.id, silence.reason, silence.by) == ("s-1", "deploy 42", "user:7")
    assert silence.until.isoformat() == "2026-11-22T22:00:00.123456+00:00"


def test_without_prometheus_alertmanagers_are_told_and_without_both_none() -> None:
    held = [hold(make_alert("PalmonasApiDown", minute=3), silenced=("s-1",)), hold(make_alert("Watchdog"))]
    (alert,) = list_alerts(None, held, [SILENCE], RUNBOOKS)
    assert (alert.name, alert.state, alert.since.minute, len(alert.silenced_by)) == ("PalmonasApiDown", "firing", 3, 1)
    assert list_alerts(None, None, None, RUNBOOKS) == []
    assert list_alerts([], held, [SILENCE], RUNBOOKS) == [], "Prometheus knows better what is over"


def test_links_are_ours_or_none() -> None:
    alert = make_alert("PalmonasApiDown", minute=30)
    (told,) = list_alerts([alert], [], [], RUNBOOKS)
    assert told.runbook == "/runbooks/PalmonasApiDown"
    half_an_hour_before = 1795381200123
    assert told.dashboard == f"/dashboards/palmonas-api?from={half_an_hour_before}&to=now"
    alert["annotations"] = {"runbook_url": "https://evil.example/x", "dashboard_url": "javascript:alert(1)"}
    (told,) = list_alerts([alert], [], [], RUNBOOKS)
    assert (told.runbook, told.dashboard, told.summary) == (None, None, "")
