"""palmonas silence: keep alerts quiet for a while, as in a deploy. Alertmanager keeps the silences."""

from __future__ import annotations

import getpass
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import requests

from app.errors import ConfigError, UsageError
from rules.files import read_alerts
from rules.scale import read_duration
from stack.layout import find_state, load_layout

URL_VARIABLE = "PALMONAS_ALERTMANAGER_URL"
DEADLINE_S = 5.0
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=24)
UNTOUCHABLE = "Watchdog"  # the receiver that waits for it would call for help

Matcher = dict[str, Any]


def read_length(text: str) -> timedelta:
    """A duration such as 90s, 10m, 2h or 1h30m. Raises UsageError, also above a day."""
    try:
        length = timedelta(seconds=read_duration(text))
    except (ValueError, OverflowError):
        raise UsageError(f"--for {text!r} is no duration: write 90s, 10m, 2h or 1h30m") from None
    if not SHORTEST <= length <= LONGEST:
        raise UsageError(f"--for {text} is not allowed: at least 1s and at most 24h; a longer silence is forgotten")
    return length


def make_matchers(alert: str | None, area: str | None, everything: bool) -> list[Matcher]:
    """What the silence covers: exactly one of an alert, an area, or all; never Watchdog. Raises UsageError."""
    if [alert is not None, area is not None, everything].count(True) != 1:
        raise UsageError("say what to silence: one of --alert NAME, --area AREA, --all")
    known = read_alerts()
    if alert is not None:
        if alert == UNTOUCHABLE:
            raise UsageError(f"{UNTOUCHABLE} is never silenced: its receiver would call for help")
        if alert not in {one.name for one in known}:
            raise UsageError(f"there is no alert {alert!r}; docs/alerts.md lists them")
        return [_match("alertname", alert)]
    never = _match("alertname", UNTOUCHABLE, equal=False)
    if area is None:
        return [never]
    areas = sorted({one.labels["area"] for one in known})
    if area not in areas:
        raise UsageError(f"there is no area {area!r}; there are: {', '.join(areas)}")
    return [_match("area", area), never]


def _match(name: str, value: str, *, equal: bool = True) -> Matcher:
    return {"name": name, "value": value, "isRegex": False, "isEqual": equal}


def find_alertmanager(url: str | None) -> str:
    """--url, else the environment's, else that of the stack on this machine. Raises ConfigError."""
    if found := url or os.environ.get(URL_VARIABLE):
        if not re.match(r"https?://[^/\s]", found):
            raise ConfigError(f"{found!r} is no address of Alertmanager: write it as http://127.0.0.1:9093")
        return found.rstrip("/")
    layout = load_layout(find_state())
    if layout is None:
        raise ConfigError(f"no stack runs here: name Alertmanager by --url or {URL_VARIABLE}")
    return f"http://127.0.0.1:{layout.ports['alertmanager']}"


def _ask(method: str, base: str, page: str, body: dict[str, Any] | None = None) -> Any:
    try:
        answer = requests.request(method, f"{base}/api/v2/{page}", json=body, timeout=DEADLINE_S)
    except requests.RequestException as error:
        raise UsageError(f"Alertmanager does not answer at {base} ({type(error).__name__}); is it running?") from error
    if method == "DELETE" and "not found" in answer.text.lower():  # 500 up to Alertmanager 0.27, 404 since
        raise UsageError("Alertmanager knows no such silence; `palmonas silence list` shows those there are")
    if not answer.ok:
        raise UsageError(f"Alertmanager refused ({answer.status_code}): {' '.join(answer.text.split())[:300]}")
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise UsageError(f"what answers at {base} is not Alertmanager") from error


def _describe(silence: dict[str, Any]) -> str:
    what = " ".join(
        f"{one['name']}{'=' if one.get('isEqual', True) else '!='}{one['value']}" for one in silence["matchers"]
    )
    ends = datetime.fromisoformat(silence["endsAt"].replace("Z", "+00:00")).astimezone(UTC)
    return f"{silence['id']}  until {ends:%Y-%m-%d %H:%M:%S}Z  {what}  {silence['createdBy']}: {silence['comment']}"


@click.group(name="silence", invoke_without_command=True)
@click.option("--for", "duration", metavar="DURATION", help="How long: 90s, 10m, 2h; at most 24h.")
@click.option("--reason", help="Why; whoever looks at it at night reads this.")
@click.option("--alert", help="Only this alert.")
@click.option("--area", help="Only the alerts of this area.")
@click.option("--all", "everything", is_flag=True, help="Every alert but Watchdog.")
@click.option("--author", help="Who silences; without it, the user of this machine.")
@click.option("--url", metavar="URL", help=f"Address of Alertmanager; else {URL_VARIABLE}, else the local stack's.")
@click.pass_context
def silence(
    context: click.Context,
    *,
    duration: str | None,
    reason: str | None,
    alert: str | None,
    area: str | None,
    everything: bool,
    author: str | None,
    url: str | None,
) -> None:
    """Keep alerts quiet: silence --for 10m --reason "deploy 42" --all. They go on firing on the dashboards."""
    context.obj = url
    if context.invoked_subcommand is not None:
        return
    if duration is None or not (reason and reason.strip()):
        raise UsageError('say for how long and why: palmonas silence --for 10m --reason "deploy 42" --all')
    length = read_length(duration)
    matchers = make_matchers(alert, area, everything)
    now = datetime.now(UTC)
    made = _ask(
        "POST",
        find_alertmanager(url),
        "silences",
        {
            "matchers": matchers,
            "startsAt": now.isoformat(),
            "endsAt": (now + length).isoformat(),
            "createdBy": author or getpass.getuser(),
            "comment": reason.strip(),
        },
    )
    click.echo(f"{made['silenceID']}  until {now + length:%Y-%m-%d %H:%M:%S}Z")


@silence.command(name="list")
@click.pass_obj
def list_(url: str | None) -> None:
    """The silences that hold now, or will: id, end, what, who and why."""
    found = _ask("GET", find_alertmanager(url), "silences")
    held = [one for one in found if one["status"]["state"] != "expired"]
    if not held:
        click.echo("nothing is silenced", err=True)
    for one in sorted(held, key=lambda one: str(one["endsAt"])):
        click.echo(_describe(one))


@silence.command()
@click.argument("silences", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def expire(url: str | None, silences: tuple[str, ...]) -> None:
    """End silences now, by their ids."""
    base = find_alertmanager(url)
    for one in silences:
        if not re.fullmatch(r"[0-9a-fA-F-]{36}", one):
            raise UsageError(f"{one!r} is no id of a silence; `palmonas silence list` shows them")
        _ask("DELETE", base, f"silence/{one}")
        click.echo(f"{one} has ended")
