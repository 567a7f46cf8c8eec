"""`palmonas`: the one command. Each subcommand imports what it needs, so that --help is quick."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

import click

from app import __version__
from app.errors import AnswerableError, PalmonasError

# subcommand -> module and object that hold it
COMMANDS = {
    "up": ("cli.stack", "up"),
    "down": ("cli.stack", "down"),
    "status": ("cli.stack", "status"),
    "logs": ("cli.stack", "logs"),
    "dev": ("cli.stack", "dev"),
    "env": ("cli.environment", "env"),
    "send": ("cli.send", "send"),
    "simulate": ("cli.simulate", "simulate"),
    "quarantine": ("cli.quarantine", "quarantine"),
    "outbox": ("cli.outbox", "outbox"),
    "customer": ("cli.customer", "customer"),
    "token": ("cli.tokens", "token"),
    "user": ("cli.users", "user"),
    "migrate": ("cli.service", "migrate"),
    "prune": ("cli.service", "prune"),
    "backup": ("cli.backup", "backup"),
    "restore": ("cli.backup", "restore"),
    "api": ("cli.service", "api"),
    "worker": ("cli.service", "worker"),
    "dispatcher": ("cli.service", "dispatcher"),
    "exporter": ("cli.service", "exporter"),
    "containers": ("cli.containers", "containers"),
    "rules": ("cli.rules", "rules"),
    "silence": ("cli.silence", "silence"),
    "dashboards": ("cli.dashboards", "dashboards"),
    "grafana": ("cli.grafana", "grafana"),
    "drill": ("cli.drill", "drill"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="palmonas")
def palmonas() -> None:
    """Order operations that can be seen through."""


def main() -> NoReturn:
    """Entry point: errors of ours are one sentence on standard error and exit code 1, never a traceback."""
    try:
        palmonas.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("palmonas: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AnswerableError as error:
        click.echo(f"palmonas: {error.detail}", err=True)
        sys.exit(1)
    except PalmonasError as error:
        click.echo(f"palmonas: {error}", err=True)
        sys.exit(1)
    sys.exit(0)
