"""palmonas send: sign a payload as its sales channel would, and send it."""

from __future__ import annotations

import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click
import requests

from app.channels import WEBHOOKS
from app.channels.base import Webhook
from app.channels.signing import check_label, load_object
from app.config import CHANNEL_NAMES, PREFIX
from app.errors import Malformed, PayloadError
from cli.settings import load_config
from stack.layout import find_state, load_layout

DEFAULT_URL = "http://127.0.0.1:4000"
TIMEOUT_S = 10
TRIES = 6
LONGEST_PAUSE_S = 30
PAUSE_S = 1.0  # when the answer names none


class NoAnswer(click.ClickException):
    """Nothing answered at the address, not even after several tries."""


@dataclass
class Sender:
    """Signs and posts payloads of one channel over one connection. `complaints` collects refusals, each once."""

    channel: Webhook
    secret: str
    topic: str
    url: str
    session: requests.Session
    complaints: dict[str, None]

    def deliver(self, body: bytes, delivery_id: str) -> str:
        """Send one delivery; return what became of it: accepted, duplicate, or failed.

        Every try has the same delivery id, so that a try whose answer got lost does no harm. Raises NoAnswer.
        """
        answer = None
        for left in range(TRIES - 1, -1, -1):
            answer = self._post(body, delivery_id)
            if answer is not None and answer.status_code != 503:
                break
            if left:
                time.sleep(read_pause(answer))
        if answer is None:
            raise NoAnswer(f"nothing answers at {self.url}; start the service with: palmonas up, or pass its --url")
        if answer.ok:
            return "duplicate" if read_member(answer, "status") == "duplicate" else "accepted"
        self.complaints[f"{answer.status_code} {answer.reason}: {read_member(answer, 'detail')}"] = None
        return "failed"

    def _post(self, body: bytes, delivery_id: str) -> requests.Response | None:
        headers = dict(self.channel.sign(body, self.secret, self.topic, delivery_id, time.time()))
        try:
            return self.session.post(self.url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException:
            return None


def read_pause(answer: requests.Response | None) -> float:
    """Seconds to wait before the next try: Retry-After, at most LONGEST_PAUSE_S."""
    text = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(int(text), LONGEST_PAUSE_S) if text.isdecimal() else PAUSE_S


def read_member(answer: requests.Response, name: str) -> str:
    try:
        document = answer.json()
    except requests.JSONDecodeError:
        return "no detail"
    return str(document.get(name, "no detail")) if isinstance(document, dict) else "no detail"


def read_body(file: str) -> bytes:
    """The payload in `file`, or on standard input for `-`."""
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.ClickException(f"cannot read {file}: {error.strerror}") from error
    try:
        load_object(body)
    except Malformed as error:
        raise click.ClickException(f"{file}: {error.detail} Send one JSON object, as the channel would.") from error
    return body


def read_secret(channel: str, secret_file: str | None) -> str:
    """The newest secret: of the file, of the settings, or of the stack on this machine."""
    if secret_file is not None:
        try:
            text = Path(secret_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.ClickException(f"cannot read the secret in {secret_file}") from error
        if not text.split():
            raise click.ClickException(f"{secret_file} is empty; it must hold the secret of {channel}")
        return text.split()[0]
    found = load_config().channel_secrets.get(channel)
    if found:
        return found[0]
    name = f"{PREFIX}{channel.upper()}_SECRETS"
    raise click.ClickException(f"there is no secret for {channel}; set {name} or {name}_FILE, or pass --secret-file")


def check_url(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
    try:
        parts = urlsplit(url or DEFAULT_URL)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise click.BadParameter(f"{url!r} is no address; it must look like {DEFAULT_URL}")
    return url


def find_url() -> str:
    """The front door of the stack on this machine, or where it usually is."""
    stack = load_layout(find_state())
    return stack.base_url if stack is not None else DEFAULT_URL


@click.command()
@click.argument("channel", type=click.Choice(CHANNEL_NAMES))
@click.argument("file")
@click.option("--count", type=click.IntRange(1), default=1, help="Send so many orders, each under its own number.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Orders per second; default: as fast as it goes.")
@click.option("--duplicate", type=click.IntRange(0), default=0, help="Send each so many times more, under one id.")
@click.option("--topic", help="Default: the one that fits the payload.")
@click.option("--url", callback=check_url, help=f"Default: the stack on this machine, else {DEFAULT_URL}.")
@click.option("--secret-file", help="File with the channel's secret; default: the settings, else the local stack.")
def send(
    *,
    channel: str,
    file: str,
    count: int,
    rate: float | None,
    duplicate: int,
    topic: str | None,
    url: str | None,
    secret_file: str | None,
) -> None:
    """Sign the payload in FILE (- for standard input) as CHANNEL would, and send it.

    A 503 and a missing answer are tried again, under the same delivery id. The exit code is 1 if any delivery
    was not taken.
    """
    body = read_body(file)
    secret = read_secret(channel, secret_file)
    door = WEBHOOKS[channel]
    address = f"{(url or find_url()).rstrip('/')}/webhooks/{channel}"
    outcomes: Counter[str] = Counter()
    with requests.Session() as session:
        session.trust_env = False  # no proxy between this and the service under test
        try:
            topic = check_label(topic, "The topic") if topic else door.choose_topic(body)
            sender = Sender(door, secret, topic, address, session, {})
            send_all(sender, body, outcomes, count=count, rate=rate, duplicate=duplicate)
        except (Malformed, PayloadError) as error:
            raise click.ClickException(f"{file}: {error}") from error
        finally:
            if outcomes:
                click.echo(summarize(outcomes))
    for complaint in sender.complaints:
        click.echo(f"not taken: {complaint}", err=True)
    if outcomes["failed"]:
        raise SystemExit(1)


def send_all(
    sender: Sender, body: bytes, outcomes: Counter[str], *, count: int, rate: float | None, duplicate: int
) -> None:
    """Send `count` orders, each 1 + `duplicate` times, and count in `outcomes` what became of each delivery."""
    started = time.monotonic()
    first = int(time.time() * 1000)  # numbers that no earlier run has used
    for place in range(count):
        if rate is not None:
            time.sleep(max(0.0, started + place / rate - time.monotonic()))
        order = body if count == 1 else sender.channel.renumber(body, first + place)
        delivery_id = str(uuid.uuid4())
        for _ in range(1 + duplicate):
            outcomes["sent"] += 1
            try:
                outcomes[sender.deliver(order, delivery_id)] += 1
            except NoAnswer:
                outcomes["failed"] += 1
                raise


def summarize(outcomes: Counter[str]) -> str:
    names = {"sent": "sent", "accepted": "accepted", "duplicate": "duplicates", "failed": "failed"}
    return ", ".join(f"{outcomes[key]} {name}" for key, name in names.items())
