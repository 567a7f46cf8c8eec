"""`palmonas rules`: write the Prometheus rules from their templates and settings, and try them on the past."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import UsageError
from cli.dashboards import require_tools
from stack.layout import find_state, load_layout

if TYPE_CHECKING:
    from rules.files import Alert
    from rules.replay import Replay

ROOT = Path(__file__).resolve().parent.parent
NAMES_SHOWN = 5  # of recorded series that were computed


@click.group()
def rules() -> None:
    """Build and check the Prometheus rules."""


@rules.command()
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What differs from prometheus/settings.yml: job names, thresholds, objectives, areas.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for rules/ and alerts/; default: prometheus/ of the repository.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail when a rule file is out of date.")
def build(settings_file: Path | None, out: Path | None, check: bool) -> None:
    """Write the recording rules and alerts; with --settings and --out, for another team."""
    from rules.build import find_drift, write_rules
    from rules.settings import load_settings

    if settings_file is not None and out is None:
        raise UsageError("--settings needs --out, so that the rules of this repository stay as they are")
    settings = load_settings(settings_file)
    target = out or ROOT / "prometheus"
    if check:
        drifted = find_drift(settings, target)
        if drifted:
            names = ", ".join(path.as_posix() for path in drifted)
            raise UsageError(f"out of date in {target}: {names}. Run `palmonas rules build` and commit what it writes.")
        click.echo("The rules are up to date.")
        return
    changed = write_rules(settings, target)
    for path in changed:
        click.echo(f"wrote {path.as_posix()}" if (target / path).exists() else f"removed {path.as_posix()}")
    click.echo(f"{len(changed)} files changed.")


@rules.command()
@click.option("--rule", "name", help="Only the alert of this name.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="Alerts of this rule file, or of the directory that `rules build --out` wrote, not ours.",
)
@click.option("--since", default="7d", show_default=True, help="How far to look back, as 90m, 12h or 7d.")
@click.option("--step", default="15s", show_default=True, help="The evaluation interval of the past.")
@click.option("--url", help="Address of Prometheus. Default: that of the stack on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every firing.")
def replay(*, name: str | None, file: Path | None, since: str, step: str, url: str | None, as_json: bool) -> None:
    """Say how often each alert would have fired over the data that a Prometheus holds."""
    require_tools("promql_parser")
    from rules.files import read_alerts, read_recordings
    from rules.replay import Candidates, Past, read_candidates

    candidates = read_candidates(file) if file else Candidates(list(read_alerts()), list(read_recordings()))
    alerts = candidates.alerts
    if name is not None:
        chosen = [alert for alert in alerts if alert.name == name]
        if not chosen:
            raise UsageError(f"there is no alert {name!r}; there are: {', '.join(sorted({a.name for a in alerts}))}")
        alerts = chosen
    step_s = _read_seconds("--step", step)
    end = time.time()
    start = end - _read_seconds("--since", since)
    past = Past(url or _find_prometheus(), start, end, step_s, candidates.recordings)
    if past.first - start > step_s * 2:
        seen = _tell_seconds(end - past.first)
        click.echo(f"Prometheus remembers only the last {seen} of the {since} asked for.", err=True)
    replays = [past.replay(alert) for alert in alerts if not _fires_always(alert)]
    click.echo(json.dumps([_describe(one) for one in replays], indent=2) if as_json else _make_table(replays))
    computed = sorted({name for one in replays for name in one.computed})
    if computed and not as_json:
        names = ", ".join(computed) if len(computed) <= NAMES_SHOWN else f"{len(computed)} series, which --json names"
        click.echo(f"Not recorded from the beginning, and so computed from their rules: {names}.", err=True)


def _fires_always(alert: Alert) -> bool:
    return alert.labels.get("severity") == "none"


def _read_seconds(option: str, text: str) -> float:
    from rules.scale import read_duration

    try:
        seconds = read_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
    if not seconds:
        raise UsageError(f"{option} must be longer than nothing")
    return seconds


def _tell_seconds(seconds: float) -> str:
    for length, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= length * 2:
            return f"{seconds / length:.0f} {word}"
    return f"{seconds:.0f} seconds"


def _find_prometheus() -> str:
    layout = load_layout(find_state())
    if layout is None:
        raise UsageError("there is no stack on this machine; say --url http://host:9090")
    return f"http://127.0.0.1:{layout.ports['prometheus']}"


def _describe(replay: Replay) -> dict[str, object]:
    return {
        "alert": replay.alert.name,
        "severity": replay.alert.labels.get("severity"),
        "firings": [{"start": firing.start, "end": firing.end} for firing in replay.firings],
        "series": replay.series,
        "flaps": replay.flaps,
        "total_seconds": replay.total_s,
        "longest_seconds": replay.longest_s,
        "no_data_for": list(replay.missing),
        "computed": list(replay.computed),
    }


def _make_table(replays: list[Replay]) -> str:
    rows = [("alert", "severity", "fired", "flapped", "total", "longest", "no data for")]
    for one in sorted(replays, key=lambda replay: -len(replay.firings)):
        rows.append(
            (
                one.alert.name,
                str(one.alert.labels.get("severity", "")),
                str(len(one.firings)),
                str(one.flaps),
                f"{one.total_s:.0f} s",
                f"{one.longest_s:.0f} s",
                ", ".join(one.missing),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
