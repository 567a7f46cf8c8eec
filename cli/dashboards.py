"""`palmonas dashboards`: build what is generated, and hold dashboards to the house rules."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from app.errors import UsageError
from cli.grafana import read_board

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("grafana_foundation_sdk", "promql_parser")


def require_tools(*needed: str) -> None:
    """Raise UsageError unless the modules `needed`, which only development installs have, are there."""
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"this command needs {', '.join(missing)}, which only development installs have: "
            "pip install --require-hashes -r requirements/dev.lock"
        )


@click.group()
def dashboards() -> None:
    """Build and check the Grafana dashboards and the reference pages."""


@dashboards.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a generated file is out of date.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=ROOT,
    help="Write under this directory instead of the repository.",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What differs from prometheus/settings.yml; as for `palmonas rules build`.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the dashboards alone, into this directory.",
)
def build(check: bool, root: Path, settings_file: Path | None, out: Path | None) -> None:
    """Write grafana/dashboards/*.json, docs/metrics.md and docs/alerts.md; with --out, dashboards for another team."""
    require_tools(*NEEDED)
    from dashboards import catalogue
    from rules.settings import load_settings

    if out is not None and root != ROOT:
        raise UsageError("--root and --out are two places: give one of them")
    if out is not None:
        files, target = catalogue.render_dashboards(load_settings(settings_file)), out
        drifted = catalogue.differ(files, out)
    elif settings_file is not None:
        raise UsageError("--settings needs --out, so that the dashboards of this repository stay as they are")
    else:
        files, target = catalogue.generate(), root
        drifted = catalogue.find_drift(root)
    if check:
        if drifted:
            names = ", ".join(path.as_posix() for path in drifted)
            raise UsageError(f"out of date: {names}. Run `palmonas dashboards build` and commit what it writes.")
        click.echo("Dashboards and reference pages are up to date.")
        return
    try:
        catalogue.put(drifted, files, target)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    for path in drifted:
        click.echo(f"wrote {path.as_posix()}" if (target / path).exists() else f"removed {path.as_posix()}")
    click.echo(f"{len(drifted)} files changed.")


@dashboards.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--metrics",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What FILES of somebody else may name: a saved /metrics page, or names, one a line. Without it: anything.",
)
def lint(files: tuple[Path, ...], metrics: Path | None) -> None:
    """Hold dashboards (FILES, else ours) to Grafana's types and the house rules; every breach is one line.

    FILES that are not in grafana/dashboards may have variables, metrics and labels of their own.
    """
    require_tools(*NEEDED, "jsonschema")
    from dashboards.coverage import check_set
    from dashboards.lint import OURS, House, lint_dashboard
    from dashboards.schema import find_faults
    from dashboards.theirs import read_kinds
    from rules.files import read_alerts

    folder = ROOT / "grafana/dashboards"
    theirs = House(False, None if metrics is None else read_kinds(metrics), str(metrics))
    paths = files or tuple(sorted(folder.glob("*.json")))
    boards = {path: read_board(path) for path in paths}
    breaches = 0
    for path, board in boards.items():
        house = OURS if path.resolve().parent == folder else theirs
        # What is not of the right type has no rules to keep.
        for problem in find_faults(board) or lint_dashboard(board, house):
            click.echo(f"{path}: {problem}")
            breaches += 1
    # Alerts and links want all dashboards; of somebody's few files nothing can be said.
    for problem in [] if files or breaches else check_set(list(boards.values()), read_alerts()):
        click.echo(problem)
        breaches += 1
    if breaches:
        raise UsageError(f"{breaches} breaches of the house rules in {len(paths)} dashboards.")
    click.echo(f"{len(paths)} dashboards keep the house rules.")


@dashboards.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when dashboards/schema.json is out of date.")
def schema(check: bool) -> None:
    """Write dashboards/schema.json anew from Grafana's TypeScript types; needs node and its registry."""
    from dashboards.schema_source import find_missing, make_schema

    if check and (missing := find_missing()):
        click.echo(f"{' and '.join(missing)} missing: dashboards/schema.json was not held against Grafana's types.")
        return
    path = ROOT / "dashboards/schema.json"
    text = make_schema(ROOT / "build/dashboard-types")
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        if check:
            raise UsageError("out of date: dashboards/schema.json. Run `palmonas dashboards schema` and commit it.")
        path.write_text(text, encoding="utf-8")
        click.echo("wrote dashboards/schema.json")
        return
    click.echo("dashboards/schema.json is up to date.")
