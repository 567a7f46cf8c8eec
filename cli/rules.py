"""`palmonas rules`: write the Prometheus rules from their templates and settings."""

from __future__ import annotations

from pathlib import Path

import click

from app.errors import UsageError
from cli.dashboards import require_tools

ROOT = Path(__file__).resolve().parent.parent


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
    require_tools()
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
