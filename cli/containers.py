"""palmonas containers: what the one-shot services of compose.yml do before and beside the others."""

from __future__ import annotations

import os
from pathlib import Path

import click

SIMULATOR_URL = "http://simulator:4060"


@click.group()
def containers() -> None:
    """The one-shot services of compose.yml; of no use elsewhere."""


@containers.command()
def prepare() -> None:
    """Make secrets that are missing and write the configuration, each into the volume of who needs it."""
    from stack.containers import CONSUMERS, TLS, VOLUMES, prepare_volumes

    prepare_volumes()
    click.echo(f"prepared {', '.join(CONSUMERS)} below {VOLUMES}")
    click.echo("the front door speaks TLS" if os.environ.get(TLS) else "the front door speaks plain HTTP")


@containers.command()
def migrate() -> None:
    """Bring the schema to the newest version, and make the first API token (in a demo: a user, too)."""
    from app.config import Config
    from app.errors import ConfigError
    from app.store.migrate import upgrade
    from stack.accounts import DEMO_USER, ensure_demo_user, ensure_token
    from stack.containers import DEMO

    config = Config().check("DATABASE_URL")
    if not config.secrets_dir:
        raise ConfigError("PALMONAS_SECRETS_DIR is not set: the first token is written there")
    directory = Path(config.secrets_dir)
    click.echo(f"schema is at {upgrade(config.database_url)}")
    ensure_token(directory / "admin.token", config.database_url)
    click.echo(f"the API token of role admin is in {directory / 'admin.token'}")
    if os.environ.get(DEMO) == "1":
        ensure_demo_user(directory / "admin.password", config.database_url)
        click.echo(f"log in as {DEMO_USER}, with the password in {directory / 'admin.password'}")


@containers.command()
@click.option("--count", type=click.IntRange(1, 1000), default=20, show_default=True, help="Orders of each channel.")
def demo(count: int) -> None:
    """Let the simulator make orders of every channel."""
    from app.config import Config
    from app.errors import UsageError
    from stack.simulated import CHANNELS, Control

    control = Control(SIMULATOR_URL, Path(Config().secrets_dir))
    try:
        for channel in CHANNELS:
            made = control.make_orders(channel, count, steps=4)
            click.echo(f"{channel}: made {len(made)} orders")
    except OSError as error:
        raise UsageError(f"the simulator at {SIMULATOR_URL} does not do as it is told: {error}") from error
