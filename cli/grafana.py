"""`palmonas grafana`: our dashboards in a Grafana that is there already, and what was edited, and what happened."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from app.errors import PalmonasError, UsageError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "palmonas"
OURS = ROOT / "grafana/dashboards"
LONGEST_UID = 40  # Grafana's limit
DONE = {"create": "created", "change": "changed", "leave": "left"}

files_argument = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


@click.group()
def grafana() -> None:
    """Push dashboards to the Grafana of PALMONAS_GRAFANA_URL, see what was edited there, tell it of events."""


@grafana.command()
@files_argument
@click.option("--folder", default=FOLDER, show_default=True, help="Uid of the folder; made when it is not there.")
@click.option("--folder-title", default="Palmonas", show_default=True, help="Title of the folder when it is made.")
@click.option("--message", default="palmonas grafana push", show_default=True, help="Shown in the version history.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be done.")
def push(files: tuple[Path, ...], folder: str, folder_title: str, message: str, dry_run: bool) -> None:
    """Bring dashboards (FILES, else ours) into a folder, all or none; what is right already is left alone."""
    from dashboards.grafana import open_grafana
    from dashboards.push import Folder, make_plan
    from dashboards.push import push as push_plan

    boards = read_boards(files)
    with open_grafana() as server:
        plan = make_plan(server, boards, Folder(folder, folder_title))
        if not dry_run:
            push_plan(server, plan, message)
    if plan.makes_folder:
        click.echo(f"{'would make' if dry_run else 'made'} the folder {folder}")
    for change in plan.changes:
        click.echo(f"{'would ' if dry_run else ''}{change.kind if dry_run else DONE[change.kind]} {change.uid}")
    counts = [f"{plan.count(kind)} {f'to {kind}' if dry_run else done}" for kind, done in DONE.items()]
    click.echo(f"{', '.join(counts)} at {server.url}")


@grafana.command()
@files_argument
@click.option("--folder", default=FOLDER, show_default=True, help="Uid of the folder that is looked through.")
def diff(files: tuple[Path, ...], folder: str) -> None:
    """Show what was edited by hand, from ours (or FILES) to what is there. Exit code 1: something; 2: cannot tell."""
    from dashboards.grafana import open_grafana
    from dashboards.push import find_edits

    try:
        boards = read_boards(files)
        server = open_grafana()
        edits = find_edits(server, boards)
        uids = [str(board["uid"]) for board in boards]
        others = (
            {} if files else {uid: title for uid, title in server.list_dashboards(folder).items() if uid not in uids}
        )
    except PalmonasError as error:
        click.echo(f"palmonas: {error}", err=True)
        sys.exit(2)
    for text in edits.values():
        click.echo(text)
    for uid, title in others.items():
        click.echo(f"{uid}: there ({title}), and not ours")
    if edits or others:
        click.echo(f"{len(edits)} of {len(boards)} dashboards differ, {len(others)} are not ours", err=True)
        sys.exit(1)
    click.echo(f"{len(boards)} dashboards are there as they are here.")


@grafana.command()
@click.argument("text")
@click.option("--tag", "tags", multiple=True, required=True, help="deploy, drill, load-test, or your own; repeatable.")
@click.option("--start", default="now", show_default=True, help="When it began: ISO 8601, seconds since 1970, or now.")
@click.option("--end", help="When it ended; without it, it is a moment.")
def annotate(text: str, tags: tuple[str, ...], start: str, end: str | None) -> None:
    """Draw an event on the dashboards: annotate "deploy 42" --tag deploy."""
    from dashboards.events import TAG
    from dashboards.grafana import open_grafana

    if not text.strip() or not all(tag.strip() for tag in tags):
        raise UsageError("text and tags may not be empty")
    now = time.time()
    begun = read_moment("--start", start, now)
    ended = None if end is None else read_moment("--end", end, now)
    if ended is not None and ended < begun:
        raise UsageError("--end is before --start")
    with open_grafana() as server:
        number = server.annotate(text.strip(), list(dict.fromkeys([TAG, *tags])), begun, ended)
    click.echo(f"annotation {number} at {server.url}")


def read_moment(option: str, text: str, now: float) -> float:
    """Seconds since 1970. Raises UsageError; a time without a zone is taken as this machine's."""
    if text == "now":
        return now
    try:
        moment = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text).timestamp()
        except ValueError:
            raise UsageError(f"{option} {text!r} is no time: write 2026-03-01T12:00:00Z, 1772366400 or now") from None
    if not 0 < moment < 4e9:
        raise UsageError(f"{option} {text!r} is not in this century: write seconds, not milliseconds")
    return moment


def read_boards(files: tuple[Path, ...]) -> list[dict[str, Any]]:
    """Dashboards of `files`, else ours. Raises UsageError for what is none, or has no uid of its own."""
    boards: list[dict[str, Any]] = []
    for path in files or tuple(sorted(OURS.glob("*.json"))):
        board = read_board(path)
        uid = board.get("uid")
        if not isinstance(uid, str) or not 0 < len(uid) <= LONGEST_UID or not board.get("title"):
            raise UsageError(f"{path} needs a title and a uid of at most {LONGEST_UID} characters")
        if uid in [one["uid"] for one in boards]:
            raise UsageError(f"{path}: another file has the uid {uid}")
        boards.append(board)
    if not boards:
        raise UsageError(f"there is no dashboard in {OURS}; run `palmonas dashboards build`, or name files")
    return boards


def read_board(path: Path) -> dict[str, Any]:
    """A dashboard's JSON. Raises UsageError."""
    try:
        board = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(board, dict):
        raise UsageError(f"{path} is not a dashboard: it must be a JSON object")
    return board
