"""palmonas user: people who log in to the console, straight in the store."""

from __future__ import annotations

import sys

import click

from app.passwords import check_password, generate_password, hash_password
from app.store.tokens import ROLES
from app.store.users import (
    create_user,
    disable_user,
    enable_user,
    list_users,
    log_out_user,
    normalize_email,
    set_password,
    set_role,
)
from cli.connect import make_request_id, open_store

CHOICES = (
    click.option("--generate", is_flag=True, help="Make a password and print it, once."),
    click.option("--password-stdin", is_flag=True, help="Read the password from standard input."),
)


@click.group(name="user")
def user() -> None:
    """Create, disable and list people; set their passwords; log them out."""


@user.command()
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(ROLES), help="Each role may do what the ones before may.")
@CHOICES[0]
@CHOICES[1]
def create(email: str, role: str, generate: bool, password_stdin: bool) -> None:
    """Make the user EMAIL. Without an option for it, the password is asked for."""
    email = normalize_email(email)
    chosen = _choose_password(email, generate=generate, from_stdin=password_stdin)
    with open_store() as pool:
        create_user(pool, email, role, hash_password(chosen), make_request_id())
    _tell(f"user {email} may log in as {role}", chosen if generate else None)


@user.command()
@click.argument("email")
@CHOICES[0]
@CHOICES[1]
def password(email: str, generate: bool, password_stdin: bool) -> None:
    """Give EMAIL another password, and end all their sessions."""
    email = normalize_email(email)
    chosen = _choose_password(email, generate=generate, from_stdin=password_stdin)
    with open_store() as pool:
        set_password(pool, email, hash_password(chosen), make_request_id())
    _tell(f"user {email} has a new password; all their sessions have ended", chosen if generate else None)


@user.command()
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
def role(email: str, role: str) -> None:
    """Give EMAIL another ROLE, and end all their sessions."""
    with open_store() as pool:
        changed = set_role(pool, email, role, make_request_id())
    click.echo(f"user {changed.email} is {role} now; all their sessions have ended")


@user.command()
@click.argument("email")
def disable(email: str) -> None:
    """Keep EMAIL out, from now on; their sessions end at once."""
    with open_store() as pool:
        changed = disable_user(pool, email, make_request_id())
    click.echo(f"user {changed.email} is disabled; all their sessions have ended")


@user.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let EMAIL in again, with the password they had."""
    with open_store() as pool:
        changed = enable_user(pool, email, make_request_id())
    click.echo(f"user {changed.email} may log in again as {changed.role}")


@user.command(name="log-out")
@click.argument("email")
def log_out(email: str) -> None:
    """End all sessions of EMAIL; they may log in again."""
    with open_store() as pool:
        changed = log_out_user(pool, email, make_request_id())
    click.echo(f"all sessions of user {changed.email} have ended")


@user.command(name="list")
def list_() -> None:
    """Show addresses, roles and dates."""
    with open_store() as pool:
        rows = list_users(pool)
    if not rows:
        click.echo("there are no users; make one with: palmonas user create EMAIL --role admin")
    for row in rows:
        state = f"disabled {row.disabled_at:%Y-%m-%d %H:%M}" if row.disabled_at else "enabled"
        click.echo(f"{row.id:>6}  {row.email:<40} {row.role:<9} created {row.created_at:%Y-%m-%d %H:%M}  {state}")


def _choose_password(email: str, *, generate: bool, from_stdin: bool) -> str:
    """Never from the command line, where the list of processes and the shell's history would have it.

    Raises UsageError when it is too weak.
    """
    if generate and from_stdin:
        raise click.UsageError("--generate and --password-stdin are two ways; take one")
    if generate:
        return generate_password()
    if from_stdin:
        chosen = sys.stdin.readline().rstrip("\r\n")
    else:
        chosen = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    check_password(chosen, email)
    return chosen


def _tell(sentence: str, generated: str | None) -> None:
    """The sentence on standard error when a password is printed: standard output is then the password alone."""
    click.echo(sentence, err=generated is not None)
    if generated is not None:
        click.echo(generated)
