"""`palmonas up`, `down`, `status`, `logs` and `dev`: the whole stack on one machine."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from stack.demo import DemoResult
    from stack.health import PartHealth
    from stack.layout import Layout
    from stack.lifecycle import Wish

PORT_HELP = "Port of the front door; default: PALMONAS_PORT, else 4000. The other parts' ports follow it."


def _read_ports(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    ports = {}
    for value in values:
        name, _, number = value.partition("=")
        if not number.isdigit() or not 1 <= int(number) <= 65535:
            raise click.BadParameter(f"{value!r} is not NAME=PORT, such as prometheus=9090")
        ports[name] = int(number)
    return ports


port_option = click.option("--port", type=click.IntRange(1, 65535), help=PORT_HELP)
set_port_option = click.option(
    "--set-port",
    "ports",
    multiple=True,
    callback=_read_ports,
    metavar="NAME=PORT",
    help="Port of one part, such as prometheus=9090; may be repeated.",
)
install_option = click.option(
    "--install", is_flag=True, help="Install missing parts: Debian packages (root or sudo), else wheels."
)


@click.command()
@click.option("--demo", is_flag=True, help="Simulate the sales channels, with orders of each; report, and detach.")
@click.option("--scale", is_flag=True, help="More of everything: five API instances, three ingest workers, a replica.")
@click.option("--detach", is_flag=True, help="Leave the stack running in the background.")
@install_option
@port_option
@set_port_option
def up(*, demo: bool, scale: bool, detach: bool, install: bool, port: int | None, ports: dict[str, int]) -> None:
    """Start the whole stack and wait until it is healthy. Says so when it is up already."""
    from stack.health import is_demo
    from stack.layout import find_state
    from stack.lifecycle import find_running, hold_lock, start_stack

    state = find_state()
    signal.signal(signal.SIGTERM, _interrupt)
    with hold_lock(state):
        if layout := find_running(state):
            click.echo(f"The stack is up already (state: {layout.state}).")
            if demo and not is_demo(layout):
                click.echo("It was started without --demo: no channels are simulated. For a demo: make down up")
            if scale and not layout.scale:
                click.echo("It was started without --scale. To scale it: palmonas down, palmonas up --scale")
            sys.exit(0 if _print_report(layout) else 1)
        wish = _make_wish(state, port, ports, install=install, demo=demo, scale=scale)
        layout = start_stack(wish, _report_progress)
        result = _run_demo(layout) if demo else None
    healthy = _print_report(layout, result)
    complete = result is None or result.is_complete
    if demo or detach:
        click.echo(f"Stop with: make down. Logs: {Path(sys.argv[0])} logs -f")
        sys.exit(0 if healthy and complete else 1)
    click.echo(f"Stop with Ctrl-C. Logs: {Path(sys.argv[0])} logs -f")
    _wait_for_end(layout)


@click.command()
def down() -> None:
    """Stop the whole stack. What is stored stays."""
    from stack.layout import find_state
    from stack.lifecycle import hold_lock, require_running

    state = find_state()
    require_running(state)
    with hold_lock(state):
        _stop(require_running(state))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Show processes, uptime, restarts, health, alerts and addresses. Exit code 1 unless all is well."""
    from stack.layout import find_state
    from stack.lifecycle import require_running

    layout = require_running(find_state())
    if not as_json:
        sys.exit(0 if _print_report(layout) else 1)
    from stack.health import is_demo, read_health
    from stack.lifecycle import describe_addresses
    from stack.monitoring import fetch_firing_alerts
    from stack.programs import open_servers

    parts = read_health(layout, open_servers(layout))
    answer = {
        "state": str(layout.state),
        "healthy": all(part.is_ok for part in parts),
        "demo": is_demo(layout),
        "processes": [dataclasses.asdict(part) for part in parts],
        "ports": {"front": layout.port, **layout.ports},
        "addresses": describe_addresses(layout),
        "token_file": str(layout.token_file),
        "alerts": fetch_firing_alerts(layout),
    }
    click.echo(json.dumps(answer, indent=2))
    sys.exit(0 if answer["healthy"] else 1)


@click.command()
@click.argument("process", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("-n", "--lines", type=click.IntRange(0, 100_000), default=20, show_default=True, help="Of each log.")
def logs(process: str | None, follow: bool, lines: int) -> None:
    """Show the log of PROCESS, or of all."""
    from app.errors import UsageError
    from stack.layout import find_state, load_layout
    from stack.logs import find_logs, follow_logs, read_tail

    layout = load_layout(find_state())
    if layout is None:
        raise UsageError(f"there was never a stack in {find_state()}; start one with: make up")
    paths = find_logs(layout, process)

    def show(path: Path, line: str) -> None:
        click.echo(line if process else f"{path.stem:<18} | {line}")

    for path in paths:
        for line in read_tail(path, lines):
            show(path, line)
    if follow:
        for path, line in follow_logs(paths):
            show(path, line)


@click.command()
@install_option
@port_option
@set_port_option
def dev(install: bool, port: int | None, ports: dict[str, int]) -> None:
    """Start all but the API, and the API here in the foreground; it and the console follow changes of their code."""
    from app.errors import UsageError
    from stack.console import start_development
    from stack.layout import find_state
    from stack.lifecycle import find_running, hold_lock, make_api_environment, start_stack

    state = find_state()
    with hold_lock(state):
        if find_running(state):
            raise UsageError("the stack is up; stop it first with: make down")
        layout = start_stack(_make_wish(state, port, ports, install=install, api=False), _report_progress)
    click.echo(f"API with reload on {layout.base_url}; stop with Ctrl-C")
    command = [sys.executable, "-m", "gunicorn", "--reload", "--config", "python:app.api.gunicorn_conf"]
    # In a session of its own: Ctrl-C is for us, who then stop it in order.
    api = subprocess.Popen(
        [*command, "app.api.server:create()"], env=make_api_environment(layout), start_new_session=True
    )
    signal.signal(signal.SIGTERM, _interrupt)
    console = None
    try:
        console = start_development(layout.base_url, _report_progress)
        api.wait()
    except KeyboardInterrupt:
        api.send_signal(signal.SIGTERM)
        api.wait(timeout=30)
    finally:
        if console:
            os.killpg(console.pid, signal.SIGTERM)  # npm and what it runs
        _stop(layout)


def _make_wish(
    state: Path,
    port: int | None,
    ports: dict[str, int],
    *,
    install: bool,
    api: bool = True,
    demo: bool = False,
    scale: bool = False,
) -> Wish:
    from app.config import Config
    from stack.lifecycle import Wish

    # PALMONAS_PORT and PALMONAS_LISTEN_HOST mean the front door here.
    names = ("PALMONAS_PORT", "PALMONAS_LISTEN_HOST")
    config = Config({name: value for name, value in os.environ.items() if name in names})
    address = (config.listen_host, port or config.port)
    return Wish(state, *address, ports, install=install, api=api, demo=demo, scale=scale)


def _run_demo(layout: Layout) -> DemoResult:
    from stack.demo import ORDERS_PER_CHANNEL, run_demo
    from stack.programs import open_servers

    _report_progress(f"simulating {ORDERS_PER_CHANNEL} orders of each channel, and waiting until all are stored")
    return run_demo(layout, open_servers(layout).postgres.url)


def _stop(layout: Layout) -> None:
    from stack.lifecycle import stop_stack

    names, killed = stop_stack(layout)
    click.echo(f"stopped: {', '.join(names)}")
    if killed:
        click.echo(f"{len(killed)} processes did not stop in time and were killed")
    click.echo(f"data and logs stay in {layout.state}; delete it to start from nothing")


def _wait_for_end(layout: Layout) -> None:
    from app.errors import UsageError
    from stack.supervisor import Supervisor

    supervisor = Supervisor(layout)
    try:
        while supervisor.read_pid() is not None:
            time.sleep(1)
    except KeyboardInterrupt:
        click.echo("stopping")
        _stop(layout)
        return
    raise UsageError("the stack was stopped from elsewhere")


def _print_report(layout: Layout, result: DemoResult | None = None) -> bool:
    """Print orders, parts, alerts and addresses; True when every part is ok."""
    from stack.accounts import DEMO_USER
    from stack.health import is_demo, read_health
    from stack.lifecycle import describe_addresses
    from stack.monitoring import fetch_firing_alerts
    from stack.programs import open_servers

    parts = read_health(layout, open_servers(layout))
    if result:
        _print_demo(result)
    if is_demo(layout):
        click.echo("\nThis is a demo: the part `simulator` plays the sales channels, and their orders are invented.")
    click.echo("\nParts (state, pid, up, restarts, health)")
    for part in parts:
        click.echo(_format_part(part))
    alerts = fetch_firing_alerts(layout)
    if alerts is None:
        click.echo("\nAlerts: not known, Prometheus does not answer or is not there")
    else:
        click.echo(f"\nAlerts firing: {', '.join(alerts) or 'none (Watchdog follows within half a minute)'}")
    click.echo("\nAddresses")
    for name, address in describe_addresses(layout).items():
        click.echo(f"  {name:<18} {address}")
    click.echo(f"  {'API token in':<18} {layout.token_file}")
    if layout.password_file.exists():
        click.echo(f"  {'log in as':<18} {DEMO_USER}, with the password in {layout.password_file}\n")
    else:
        click.echo(f"  {'to log in':<18} make a user: palmonas user create you@shop.example --role admin\n")
    return bool(parts) and all(part.is_ok for part in parts)


def _print_demo(result: DemoResult) -> None:
    click.echo("\nOrders (channel, made, came by webhook, by poll, stored)")
    for one in result.channels:
        click.echo(f"  {one.channel:<18} {one.made:>5} {one.by_webhook:>5} {one.by_poll:>5} {one.stored:>5}")
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(result.statuses.items()))
    click.echo(f"  {'of all':<18} {statuses}")
    push = result.push
    if push is None:
        click.echo("  no order was paid and unshipped, so none was shipped here")
    else:
        told = f"shipped here, {push.channel} told {push.received} x, done there {push.applied} x"
        click.echo(f"  {'order ' + push.external_id}  {told}")
    if not result.is_complete:
        click.echo("Not all of it arrived: what is made and what is stored differ, or the channel was not told once.")


def _format_part(part: PartHealth) -> str:
    minutes, seconds = divmod(part.uptime_s, 60)
    times = "1 restart" if part.restarts == 1 else f"{part.restarts} restarts"
    mark = " (demo)" if part.name == "simulator" else ""
    uptime = f"{minutes // 60}h{minutes % 60:02}m{seconds:02}s"
    return f"  {part.name:<18} {part.state:<9} {part.pid:>7} {uptime:>10} {times:>11}  {part.health}{mark}"


def _report_progress(line: str) -> None:
    click.echo(f"- {line}")


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
