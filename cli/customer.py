"""palmonas customer: what is held about a person, and its erasure; straight in the store, the API may be down."""

from __future__ import annotations

import getpass
import logging
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson

from app.config import ALL_CHANNELS
from app.errors import UsageError
from app.log import configure
from app.model import PrivacyRequest
from app.orders.privacy_export import add_orders, list_orders, list_payloads, read_export
from app.orders.privacy_work import WAIT_S, run_request
from app.store import privacy, privacy_work
from app.store.pool import Pool
from app.store.privacy import Person
from cli.connect import open_store

log = logging.getLogger(__name__)

STATEMENT_TIMEOUT_S = 30.0
ERASE_DEADLINE_S = 60.0  # then it is left to the worker
NOBODY = 3  # exit code
REQUEST_ID = click.IntRange(1, 2**63 - 1)
Command = Callable[..., Any]


class Nobody(click.ClickException):
    exit_code = NOBODY


@click.group()
def customer() -> None:
    """Privacy: tell what is held about a person, erase it, and see what was asked."""


def take_person(command: Command) -> Any:
    channel = click.argument("channel", type=click.Choice(ALL_CHANNELS))
    number = click.option("--id", "customer_id", help="The customer's id at the channel.")
    email = click.option("--email", help="The e-mail address of the orders, in any case of letters.")
    return channel(number(email(command)))


def _choose_person(customer_id: str | None, email: str | None) -> Person:
    if bool(customer_id) == bool(email):
        raise click.UsageError("name the person by one of: --id, --email")
    return Person(customer_id or None, email or None)


def _audit(event: str, **fields: Any) -> None:
    """One line on standard error, as the processes write them: who did what, never about whom."""
    configure("cli", getpass.getuser())
    log.info(event, extra=fields)


@customer.command()
@take_person
@click.option("--request", "request", type=REQUEST_ID, help="Instead: who this open data request is about.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="A new file, for its owner alone; else standard output."
)
def export(channel: str, customer_id: str | None, email: str | None, request: int | None, output: Path | None) -> None:
    """Write all that CHANNEL's orders and raw payloads hold about a person, as JSON."""
    with open_store(STATEMENT_TIMEOUT_S) as pool:
        if request is None:
            person = _choose_person(customer_id, email)
        elif customer_id or email:
            raise click.UsageError("--request names the person: leave out --id and --email")
        else:
            person = privacy.read_request_person(pool, request, channel)
        document = read_export(pool, channel, person)
        if document is None:
            raise Nobody("nothing is held about this person")
        _write(orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n", output)
        record = privacy.record_export(pool, channel, _name_actor(), uuid.uuid4().hex)
    _audit("personal_data_exported", privacy_request=record, channel=channel, orders=len(document["orders"]))


def _name_actor() -> str:
    return f"operator:{getpass.getuser()}"


def _write(document: bytes, output: Path | None) -> None:
    if output is None:
        click.echo(document, nl=False)
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}; name a file that is not there yet") from error
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(document)


@customer.command()
@take_person
@click.option("--yes", is_flag=True, help="Do it. Without, only say what would be erased.")
def erase(channel: str, customer_id: str | None, email: str | None, yes: bool) -> None:
    """Erase a person's data from CHANNEL's orders and raw payloads, for good. What the books need stays."""
    person = _choose_person(customer_id, email)
    with open_store(STATEMENT_TIMEOUT_S) as pool:
        if not yes:
            _preview(pool, channel, person)
            raise click.ClickException("nothing was erased: add --yes to do it")
        wanted = PrivacyRequest("redact_customer", person.customer_external_id, person.email)
        actor, request_id = _name_actor(), uuid.uuid4().hex
        with pool.transaction("record_request") as cursor:
            recorded = privacy.record_request(cursor, wanted, channel=channel, actor=actor, request_id=request_id)
        _audit("privacy_request_recorded", privacy_request=recorded.id, channel=channel, request_id=request_id)
        click.echo(_work(pool, recorded.id))


def _preview(pool: Pool, channel: str, person: Person) -> None:
    ids = list_orders(pool, channel, person)
    payloads = list_payloads(pool, channel, add_orders(pool, person, ids))
    click.echo(f"{len(ids)} orders with their raw payloads, and {len(payloads)} other raw payloads would be erased")


def _work(pool: Pool, request_id: int) -> str:
    deadline = time.monotonic() + ERASE_DEADLINE_S
    while time.monotonic() < deadline:
        state = run_request(pool, request_id, seconds=ERASE_DEADLINE_S / 2)
        done = privacy_work.read_progress(pool, request_id)
        if done.is_done:
            return (
                f"request {request_id} is done: {done.orders_erased} orders, {done.payloads_erased} raw payloads erased"
            )
        if state != "unfinished":
            time.sleep(WAIT_S)
    return f"request {request_id} is recorded and in force; the worker goes on with it: palmonas customer requests"


@customer.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def requests(limit: int) -> None:
    """List requests, those that are not done first, with the day they are due."""
    with open_store() as pool:
        rows = privacy.list_requests(pool, limit)
    if not rows:
        click.echo("nobody has asked for anything", err=True)
    for row in rows:
        done = f"done {row['completed_at']:%Y-%m-%d}" if row["completed_at"] else f"due {row['due_at']:%Y-%m-%d}"
        click.echo(
            f"{row['id']:>6}  {row['channel']:<12} {row['kind']:<16} {row['state']:<5} {done}"
            f"  received {row['received_at']:%Y-%m-%d %H:%M} by {row['actor']},"
            f" {row['orders_erased']} orders and {row['payloads_erased']} payloads erased"
        )


@customer.command()
@click.argument("request", type=REQUEST_ID)
def answer(request: int) -> None:
    """Mark data request REQUEST as answered: who asked is forgotten then."""
    with open_store() as pool:
        privacy.answer_request(pool, request)
    _audit("privacy_request_answered", privacy_request=request)
    click.echo(f"request {request} is answered")


@customer.command()
@click.argument("request", type=REQUEST_ID)
def confirm(request: int) -> None:
    """Let a request to erase that is held count. It came before, under another delivery id: make sure it is meant."""
    with open_store() as pool:
        privacy.confirm_request(pool, request)
    _audit("privacy_request_confirmed", privacy_request=request)
    click.echo(f"request {request} is in force; the worker erases within seconds")


@customer.command()
@click.argument("request", type=REQUEST_ID)
def dismiss(request: int) -> None:
    """End a held request that was not meant: nothing is erased for it."""
    with open_store() as pool:
        privacy.dismiss_request(pool, request)
    _audit("privacy_request_dismissed", privacy_request=request)
    click.echo(f"request {request} is dismissed")
