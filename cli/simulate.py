"""palmonas simulate: sales channels to practise on."""

from __future__ import annotations

import secrets
import signal
import threading
from pathlib import Path
from urllib.parse import urlsplit

import click

from app import log
from app.errors import UsageError
from stack.layout import find_state, load_layout

DEFAULT_PORT = 4060
EVERYWHERE = "0.0.0.0"  # noqa: S104 - asked for by --in-container
WARNING = (
    "This simulates sales channels, for demo, tests and drills only: its orders are invented. "
    "Keep it away from a service that holds real ones."
)


def find_secrets(chosen: Path | None) -> Path:
    """The directory chosen, else that of the stack on this machine. Raises UsageError."""
    if chosen is not None:
        return chosen
    layout = load_layout(find_state())
    if layout is None:
        raise UsageError("there is no stack on this machine to share secrets with; pass --secrets DIRECTORY")
    return layout.secrets


def check_target(_context: click.Context, _parameter: click.Parameter, target: str | None) -> str | None:
    try:
        parts = urlsplit(target or "")
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if target is not None and not fits:
        raise click.BadParameter(f"{target!r} is no address; it must look like http://127.0.0.1:4000")
    return target


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address; no other is accepted.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: any free one.")
@click.option(
    "--in-container", is_flag=True, help="Listen on every address: in a container, whose network nobody else is in."
)
@click.option("--target", callback=check_target, help="Address of the service the webhooks go to; default: none sent.")
@click.option("--seed", type=click.IntRange(0), help="Of the orders and the dice; default: a new one.")
@click.option(
    "--secrets",
    "secrets_directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the secrets; missing ones are made. Default: that of the stack on this machine.",
)
@click.option(
    "--control-token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the token of the control API; made when missing. Default: simulator_control_token in --secrets.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiplies the rates of the channels' limits; 1 is as in reality.",
)
@click.option("--token-life", type=click.FloatRange(1), default=3600.0, show_default=True, help="Seconds.")
@click.option(
    "--amazon-lag",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Seconds Amazon holds an update back before it lists it; 120 in reality.",
)
def simulate(
    *,
    host: str,
    port: int,
    in_container: bool,
    target: str | None,
    seed: int | None,
    secrets_directory: Path | None,
    control_token_file: Path | None,
    speed: float,
    token_life: float,
    amazon_lag: float,
) -> None:
    """Simulate Shopify, WooCommerce, Amazon and a Standard Webhooks shop, for demo, tests and drills."""
    from simulator.application import EVENTS, create_app
    from simulator.secrets import load_credentials
    from simulator.server import check_loopback, start_server
    from simulator.simulation import Simulation

    if not in_container:
        check_loopback(host)
    log.configure("simulator", "simulator")
    directory = find_secrets(secrets_directory)
    credentials, webhook_secrets = load_credentials(directory, control_token_file)
    simulation = Simulation(
        credentials,
        EVENTS,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        target=target,
        webhook_secrets=webhook_secrets,
        token_life_s=token_life,
        amazon_lag_s=amazon_lag,
    )
    simulation.set_speed(speed)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    address = EVERYWHERE if in_container else host
    server = start_server(create_app(simulation), address, port, anywhere=in_container)
    simulation.webhooks.start()
    click.echo(WARNING)
    click.echo(f"Listening on {server.url}, seed {simulation.world.seed}, secrets in {directory}.")
    click.echo(f"Webhooks go to {target}." if target else "No webhooks are sent: there is no --target.")
    ended.wait()
    simulation.misbehaviour.ended.set()
    server.stop()
    simulation.webhooks.stop()
