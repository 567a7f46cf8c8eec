"""palmonas token: API tokens, straight in the store."""

from __future__ import annotations

import click

from app.store.tokens import ROLES, create_token, list_tokens, revoke_token
from cli.connect import open_store


@click.group(name="token")
def token() -> None:
    """Create, revoke and list API tokens."""


@token.command()
@click.option("--name", required=True, help="Who uses it; shown as the actor of changes.")
@click.option("--role", required=True, type=click.Choice(ROLES), help="Each role may do what the ones before may.")
def create(name: str, role: str) -> None:
    """Make a token and print it. It is shown only now."""
    with open_store() as pool:
        made = create_token(pool, name, role)
    click.echo(made)


@token.command()
@click.argument("name")
def revoke(name: str) -> None:
    """End the token NAME at once."""
    with open_store() as pool:
        revoke_token(pool, name)
    click.echo(f"token {name} is revoked")


@token.command(name="list")
def list_() -> None:
    """Show names, roles and dates; never the tokens."""
    with open_store() as pool:
        rows = list_tokens(pool)
    if not rows:
        click.echo("there are no tokens; make one with: palmonas token create --name NAME --role viewer")
    for row in rows:
        ended = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}" if row.revoked_at else "valid"
        click.echo(f"{row.name:<32} {row.role:<9} created {row.created_at:%Y-%m-%d %H:%M}  {ended}")
