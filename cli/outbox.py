"""palmonas outbox: messages to channels that were given up, and another try for them."""

from __future__ import annotations

import click

from app.store.outbox import list_failed, replay_messages
from cli.connect import open_store


@click.group()
def outbox() -> None:
    """Messages to channels that could not be delivered."""


@outbox.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_messages(limit: int) -> None:
    """List messages that were given up, newest first."""
    with open_store() as pool:
        rows = list_failed(pool, limit)
    if not rows:
        click.echo("nothing was given up")
    for row in rows:
        click.echo(
            f"{row['id']}  order {row['order_id']}  {row['channel']}  {row['kind']}  {row['attempts']} tries,"
            f" last {row['last_attempt_at']:%Y-%m-%d %H:%M:%S} UTC: {row['error']}"
        )


@outbox.command()
@click.argument("ids", type=int, nargs=-1, required=True)
def replay(ids: tuple[int, ...]) -> None:
    """Give messages all their tries again; the dispatcher sends them within seconds."""
    with open_store() as pool:
        replayed = replay_messages(pool, ids)
    for message_id in ids:
        if message_id not in replayed:
            raise click.ClickException(
                f"message {message_id} was not given up, or its channel was told of a later status since;"
                " see: palmonas outbox list"
            )
    click.echo(f"{len(replayed)} to be sent again")
