"""The processes of the service, and the chores of its store."""

from __future__ import annotations

import os
import sys

import click

from app.config import QUEUES, Config
from app.errors import ConfigError


@click.command()
def migrate() -> None:
    """Bring the database schema to the newest version. Safe to run twice, and by several at once."""
    from app.store.migrate import upgrade
    from cli.settings import load_config

    config = load_config().check("DATABASE_URL")
    click.echo(f"schema is at {upgrade(config.database_url)}")


@click.command()
def api() -> None:
    """Serve the API in the roles that PALMONAS_ROLES names, under gunicorn."""
    config = Config().check()
    if "accept" in config.roles and not config.channel_secrets:
        raise ConfigError(
            "no channel has a secret, so no order could come in: set PALMONAS_SHOPIFY_SECRETS, "
            "PALMONAS_WOOCOMMERCE_SECRETS or PALMONAS_STANDARD_SECRETS (or their _FILE)"
        )
    # gunicorn takes the place of this process: gevent has to patch before anything of ours is imported
    arguments = ["-m", "gunicorn", "--config", "python:app.api.gunicorn_conf", "app.api.server:create()"]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - no shell, fixed arguments


@click.command()
@click.option("--queue", type=click.Choice(QUEUES), required=True, help="The one queue this worker listens to.")
def worker(queue: str) -> None:
    """Run the jobs of one queue."""
    from worker.process import run_worker

    sys.exit(run_worker(Config(), queue))


@click.command()
def dispatcher() -> None:
    """Ask again for work that nobody does."""
    from worker.process import run_dispatcher

    sys.exit(run_dispatcher(Config()))


@click.command()
def exporter() -> None:
    """Show queues, workers and backlog to Prometheus."""
    from worker.process import run_exporter

    sys.exit(run_exporter(Config()))


@click.command()
@click.option("--days", type=click.IntRange(min=30), help="Keep this many days; default: PALMONAS_RETENTION_DAYS.")
@click.option("--batch", type=click.IntRange(1, 50_000), default=2000, show_default=True, help="Rows a transaction.")
@click.option(
    "--quarantined", is_flag=True, help="Delete those in quarantine, too: orders that nobody has may be there."
)
def prune(days: int | None, batch: int, quarantined: bool) -> None:
    """Delete deliveries (keys and raw payloads) and audit entries past their retention, in bounded batches."""
    from app.store.audit import prune_entries
    from app.store.inbox import FINISHED, count_old_quarantined, prune_deliveries
    from cli.connect import open_store
    from cli.settings import load_config

    config = load_config()
    keep = days or config.retention_days
    deleted = entries = 0
    with open_store(statement_timeout_s=60) as pool:
        states = (*FINISHED, "quarantined") if quarantined else FINISHED
        while got := prune_deliveries(pool, keep, batch, states):
            deleted += got
        left = count_old_quarantined(pool, keep)
        while got := prune_entries(pool, config.audit_retention_days, batch):
            entries += got
    click.echo(f"deleted {deleted} deliveries older than {keep} days")
    if entries:
        click.echo(f"deleted {entries} audit entries older than {config.audit_retention_days} days")
    if left:
        click.echo(
            f"{left} more are in quarantine with their raw payloads: replay or discard them, or use --quarantined",
            err=True,
        )
