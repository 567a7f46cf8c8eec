"""`palmonas env`: the servers' addresses as a shell takes them, for psql and redis-cli."""

from __future__ import annotations

import re
import shlex
import sys

import click


@click.command()
def env() -> None:
    """Print export lines for psql and redis-cli: eval "$(palmonas env)".

    They hold the passwords of the local stack, which its own user alone can read. On a terminal these are hidden: a
    screen is seen, shared and recorded.
    """
    from app.errors import UsageError
    from stack.layout import find_state, load_layout

    layout = load_layout(find_state())
    if layout is None:
        raise UsageError(f"there was never a stack in {find_state()}; start one with: make up")
    hidden = sys.stdout.isatty()
    for name in ("DATABASE_URL", "REDIS_URL"):
        path = layout.secrets / name.lower()
        try:
            url = path.read_text(encoding="ascii").strip()
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read ({error.strerror}); ask as the user who started the stack"
            ) from error
        click.echo(f"export PALMONAS_{name}={hide_password(url) if hidden else shlex.quote(url)}")
    if hidden:
        click.echo('The passwords are hidden here. To set them: eval "$(palmonas env)"', err=True)


def hide_password(url: str) -> str:
    """`url` with *** for its password."""
    return re.sub(r"(?<=:)[^:/@]+(?=@)", "***", url)
