"""Prometheus and Alertmanager: the committed configuration, pointed at this stack's processes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stack.layout import ROOT, Layout
from stack.pages import fetch_page
from stack.receivers import check_configuration, merge_receivers

SOURCE = ROOT / "prometheus"
QUERY_DEADLINE_S = 5.0
RETENTION = "40d"  # the error budgets look back 30 days
RECEIVERS = "receivers.yml"  # in the state directory: who is told of alerts


def write_prometheus(layout: Layout) -> list[str]:
    """Link the committed configuration into the state directory; return Prometheus' arguments."""
    directory = layout.state / "prometheus"
    (directory / "targets").mkdir(parents=True, exist_ok=True)
    for name in ("prometheus.yml", "rules", "alerts"):
        _link(directory / name, SOURCE / name)
    return [
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address=127.0.0.1:{layout.ports['prometheus']}",
        # An Alertmanager that was away, or not found yet, knows all alerts after one evaluation, not after a minute.
        "--rules.alert.resend-delay=15s",
        "--web.enable-lifecycle",
    ]


def write_alertmanager(layout: Layout) -> list[str]:
    """Write its configuration, with the receivers of receivers.yml in the state directory; return its arguments.

    Raises ConfigError when that file does not fit.
    """
    directory = layout.state / "alertmanager"
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "alertmanager.yml"
    configuration.unlink(missing_ok=True)
    configuration.touch(mode=0o600)
    configuration.write_text(merge_receivers(SOURCE / "alertmanager.yml", layout.state / RECEIVERS), encoding="utf-8")
    check_configuration(configuration)
    return [
        f"--config.file={configuration}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{layout.ports['alertmanager']}",
        "--cluster.listen-address=",
    ]


def write_targets(layout: Layout, targets: Iterable[tuple[str, str, str, Mapping[str, str]]]) -> None:
    """Write targets/<job>.json from (job, process name, a page beside its /metrics, labels)."""
    jobs: dict[str, list[dict[str, object]]] = {}
    for job, name, page, labels in targets:
        group: dict[str, object] = {
            "targets": [urlsplit(page).netloc],
            "labels": {"instance": name, **labels},
        }
        jobs.setdefault(job, []).append(group)
    directory = _find_targets(layout)
    directory.mkdir(parents=True, exist_ok=True)
    known = {path.stem for path in directory.glob("*.json")}
    for job in known | jobs.keys():
        write_job(layout, job, jobs.get(job, []))


def write_job(layout: Layout, job: str, groups: Sequence[Mapping[str, object]]) -> None:
    """Write targets/<job>.json, for what comes and goes beside the stack. Raises OSError without a Prometheus."""
    _replace(_find_targets(layout) / f"{job}.json", json.dumps(groups, indent=2))


def _find_targets(layout: Layout) -> Path:
    return layout.state / "prometheus" / "targets"


def fetch_firing_alerts(layout: Layout) -> list[str] | None:
    """The names of the alerts that fire now, each once; None when Prometheus does not answer."""
    alerts = fetch_alerts(layout)
    if alerts is None:
        return None
    return sorted({alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"})


def fetch_alerts(layout: Layout) -> list[dict[str, Any]] | None:
    """Every alert that is pending or firing, as Prometheus tells it; None when it does not answer."""
    return _ask_prometheus(layout, "alerts", "alerts")


def fetch_targets(layout: Layout) -> dict[str, str] | None:
    """Health (up, down, unknown) of every scrape target by instance; None when Prometheus does not answer."""
    targets = _ask_prometheus(layout, "targets", "activeTargets")
    return None if targets is None else {target["labels"]["instance"]: target["health"] for target in targets}


def _ask_prometheus(layout: Layout, page: str, member: str) -> list[dict[str, Any]] | None:
    url = f"http://127.0.0.1:{layout.ports['prometheus']}/api/v1/{page}"
    answer = fetch_page(url, QUERY_DEADLINE_S)
    if answer is None or not answer.ok:
        return None
    found: list[dict[str, Any]] = answer.json()["data"][member]
    return found


def _link(link: Path, source: Path) -> None:
    """Links, not copies: a drill puts rules on a quicker clock in their place."""
    link.unlink(missing_ok=True)
    link.symlink_to(source)


def _replace(path: Path, text: str) -> None:
    """Prometheus watches these files: it must never read half of one."""
    new = path.with_suffix(".new")
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(path)
