"""`palmonas backup` and `palmonas restore`: everything that is stored, into two files and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.store.backup import TableSum

path_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@path_argument
def backup(file: Path) -> None:
    """Back up the whole store into FILE (as pg_dump writes it) and FILE.json (what every table held).

    The service may go on meanwhile: it is one moment of it.
    """
    from app.store.backup import PATIENCE_S
    from cli.connect import open_store
    from cli.settings import load_config
    from stack.backup import write_backup

    url = load_config().database_url
    with open_store(statement_timeout_s=PATIENCE_S) as pool:
        sums = write_backup(pool, url, file, _report)
    click.echo(f"{_sum_up(sums)} are in {file}, {file.stat().st_size / 1e6:.1f} MB; keep {file.name}.json with it")


@click.command()
@path_argument
def restore(file: Path) -> None:
    """Restore FILE into the empty database that PALMONAS_DATABASE_URL names, and compare it with what was backed up."""
    from app.store.backup import PATIENCE_S
    from cli.connect import open_store
    from cli.settings import load_config
    from stack.backup import restore_backup

    url = load_config().database_url
    with open_store(statement_timeout_s=PATIENCE_S) as pool:
        sums = restore_backup(pool, url, file, _report)
    click.echo(f"{_sum_up(sums)} are restored, row for row as they were; bring the schema up with: palmonas migrate")


def _sum_up(sums: dict[str, TableSum]) -> str:
    return f"{sum(one.rows for one in sums.values())} rows of {len(sums)} tables"


def _report(line: str) -> None:
    click.echo(f"- {line}")
