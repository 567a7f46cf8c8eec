"""palmonas silence: keep alerts quiet for a while, as in a deploy. Alertmanager keeps the silences."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from app.errors import AlertmanagerUnavailable, BadGateway, ConfigError, Malformed, NotFound, UsageError
from app.outbound.alertmanager import (
    LONGEST_SILENCE,
    NEVER_UNTOUCHABLE,
    UNTOUCHABLE,
    Alertmanager,
    Matcher,
    match_label,
)
from rules.files import read_alerts
from rules.scale import read_duration
from stack.layout import find_state, load_layout

URL_VARIABLE = "PALMONAS_ALERTMANAGER_URL"
SHORTEST = timedelta(seconds=1)


def read_length(text: str) -> timedelta:
    """A duration such as 90s, 10m, 2h or 1h30m. Raises UsageError, also above a day."""
    try:
        length = timedelta(seconds=read_duration(text))
    except (ValueError, OverflowError):
        raise UsageError(f"--for {text!r} is no duration: write 90s, 10m, 2h or 1h30m") from None
    if not SHORTEST <= length <= LONGEST_SILENCE:
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
        return [match_label("alertname", alert)]
    if area is None:
        return [NEVER_UNTOUCHABLE]
    areas = sorted({one.labels["area"] for one in known})
    if area not in areas:
        raise UsageError(f"there is no area {area!r}; there are: {', '.join(areas)}")
    return [match_label("area", area), NEVER_UNTOUCHABLE]


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


@contextmanager
def _talk_to(base: str) -> Iterator[Alertmanager]:
    """Alertmanager, whose refusals become sentences for whoever typed the command. Raises UsageError."""
    try:
        yield Alertmanager(base)
    except AlertmanagerUnavailable as error:
        raise UsageError(f"Alertmanager does not answer at {base} ({error.detail}); is it running?") from error
    except BadGateway as error:
        raise UsageError(f"what answers at {base} is not Alertmanager ({error.detail})") from error
    except Malformed as error:
        raise UsageError(error.detail) from error
    except NotFound as error:
        raise UsageError("Alertmanager knows no such silence; `palmonas silence list` shows those there are") from error


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
    with _talk_to(find_alertmanager(url)) as alertmanager:
        identity = alertmanager.make_silence(
            matchers, length, author=author or getpass.getuser(), reason=reason.strip()
        )
    click.echo(f"{identity}  until {datetime.now(UTC) + length:%Y-%m-%d %H:%M:%S}Z")


@silence.command(name="list")
@click.pass_obj
def list_(url: str | None) -> None:
    """The silences that hold now, or will: id, end, what, who and why."""
    with _talk_to(find_alertmanager(url)) as alertmanager:
        held = alertmanager.read_silences()
    if not held:
        click.echo("nothing is silenced", err=True)
    for one in sorted(held, key=lambda one: str(one["endsAt"])):
        click.echo(_describe(one))


@silence.command()
@click.argument("silences", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def expire(url: str | None, silences: tuple[str, ...]) -> None:
    """End silences now, by their ids."""
    with _talk_to(find_alertmanager(url)) as alertmanager:
        for one in silences:
            alertmanager.end_silence(one)
            click.echo(f"{one} has ended")
