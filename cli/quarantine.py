"""palmonas quarantine: deliveries that could not be stored, straight in the store; the API may be down."""

from __future__ import annotations

import dataclasses

import click
import orjson

from app.config import ALL_CHANNELS
from app.store.audit import AuditEntry, describe_command
from app.store.quarantine import discard_delivery, list_quarantine, read_quarantined, release_delivery
from cli.connect import make_request_id, open_store

DELIVERY_ID = click.IntRange(1, 2**63 - 1)


@click.group(name="quarantine")
def quarantine() -> None:
    """Look at deliveries in quarantine, try them again, or give them up."""


@quarantine.command(name="list")
@click.option("--channel", type=click.Choice(ALL_CHANNELS), help="Only this channel's.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--before", type=DELIVERY_ID, help="Only ids below this one: the next page.")
def list_(channel: str | None, limit: int, before: int | None) -> None:
    """Newest first: id, channel, topic, time of receipt, what was wrong."""
    with open_store() as pool:
        rows = list_quarantine(pool, channel=channel, before_id=before, limit=limit)
    if not rows:
        click.echo("quarantine is empty", err=True)
    for row in rows:
        click.echo(
            f"{row.id:>10}  {row.channel:<12} {row.topic:<24} {row.received_at:%Y-%m-%d %H:%M:%S}  {row.error or ''}"
        )


@quarantine.command()
@click.argument("delivery", type=DELIVERY_ID)
def show(delivery: int) -> None:
    """One delivery as JSON, raw payload included."""
    with open_store() as pool:
        row, payload = read_quarantined(pool, delivery)
    shown = {**dataclasses.asdict(row), "payload": payload}
    click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())


@quarantine.command()
@click.argument("deliveries", type=DELIVERY_ID, nargs=-1, required=True)
def replay(deliveries: tuple[int, ...]) -> None:
    """Try DELIVERIES again, with all their tries. The dispatcher picks them up within seconds."""
    with open_store() as pool:
        for delivery in deliveries:
            release_delivery(pool, delivery, _describe("replay", delivery))
            click.echo(f"delivery {delivery} is pending again")


@quarantine.command()
@click.argument("deliveries", type=DELIVERY_ID, nargs=-1, required=True)
def discard(deliveries: tuple[int, ...]) -> None:
    """Give DELIVERIES up. Their rows stay until they are pruned."""
    with open_store() as pool:
        for delivery in deliveries:
            discard_delivery(pool, delivery, _describe("discard", delivery))
            click.echo(f"delivery {delivery} is discarded")


def _describe(action: str, delivery: int) -> AuditEntry:
    return describe_command(f"quarantine.{action}", f"delivery:{delivery}", make_request_id())
