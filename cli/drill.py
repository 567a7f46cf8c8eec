"""`palmonas drill`: break a private copy of the stack, and see whether the right people hear of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import NoReturn

import click

from app.errors import UsageError
from cli.dashboards import require_tools


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Run every drill, one after the other, on one stack.")
@click.option("--list", "listing", is_flag=True, help="Show the drills, and what proves each alert.")
@click.option("--real-time", is_flag=True, help="Run the rules as shipped, not ten times as fast.")
@click.option("--until-notified", is_flag=True, help="Heal at the notification; do not wait for the way back.")
@click.option("--no-record", is_flag=True, help="Leave docs/drills.json and panels.json as they are.")
@click.option("--minutes", type=click.FloatRange(0.5, 24 * 60), default=5, show_default=True, help="Length of `soak`.")
def drill(
    names: tuple[str, ...],
    *,
    everything: bool,
    listing: bool,
    real_time: bool,
    until_notified: bool,
    no_record: bool,
    minutes: float,
) -> None:
    """Inject faults for real, and follow their alerts to the receiver. `soak` is load without any
    fault, `panels` asks every query of the dashboards under load.
    """
    from drills.drill import find_drill, list_drills
    from drills.listing import describe_drills

    if listing:
        click.echo(describe_drills())
        return
    require_tools("locust")
    factor = 1.0 if real_time else None
    signal.signal(signal.SIGTERM, _interrupt)
    if names == ("soak",):
        from drills.record import record_soak
        from drills.soak import run_soak

        soak = run_soak(minutes, _report)
        if soak.is_silent and not no_record:
            record_soak(soak)
        sys.exit(0 if soak.is_silent else 1)
    if names == ("panels",):
        from drills.panels import run_panels

        sys.exit(0 if run_panels(_report, record=not no_record) else 1)
    if everything == bool(names):
        raise UsageError("name one or more drills, or say --all; `palmonas drill --list` shows them")
    from drills.session import run_session

    chosen = list_drills() if everything else tuple(map(find_drill, names))
    if everything and not os.environ.get("DOCKER_HOST"):
        _report("without DOCKER_HOST no container is drilled (docs/drills.md)")
        chosen = tuple(one for one in chosen if not one.containers)
    if until_notified and not real_time:
        raise UsageError("--until-notified goes with --real-time: on the quick clock a drill is run to its end")
    done = run_session(chosen, factor, _report, record=not no_record, until_notified=until_notified)
    sys.exit(0 if done else 1)


def _report(line: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {line}")


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
