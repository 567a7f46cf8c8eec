"""Demo orders: signed like a real channel's, through the front door, and waited for until they are stored."""

from __future__ import annotations

import time
import uuid
from contextlib import closing
from dataclasses import dataclass

import requests

from app.channels import WEBHOOKS, sample
from stack.layout import Layout
from stack.pages import open_session
from stack.processes import wait_until
from stack.servers import connect_for

ORDERS_PER_CHANNEL = 20
SEND_DEADLINE_S = 10.0
STORED_DEADLINE_S = 30.0


@dataclass(frozen=True)
class DemoResult:
    """How many demo orders of a channel were sent, accepted (2xx), and found stored."""

    channel: str
    sent: int
    accepted: int
    stored: int


def send_demo(layout: Layout, database_url: str, count: int = ORDERS_PER_CHANNEL) -> list[DemoResult]:
    """Send `count` new orders through every channel; wait at most 30 s for them to be stored."""
    # A number no earlier demo used: milliseconds of the clock.
    first = int(time.time() * 1000)
    numbers = [str(number) for number in range(first, first + count)]
    accepted = {name: _send_channel(layout, name, first, count) for name in WEBHOOKS}
    stored: dict[str, int] = {}

    def is_stored() -> bool:
        stored.update(_count_stored(database_url, numbers))
        return all(stored.get(name, 0) >= accepted[name] for name in WEBHOOKS)

    wait_until(is_stored, STORED_DEADLINE_S, pause_s=0.2)
    return [DemoResult(name, count, accepted[name], stored.get(name, 0)) for name in WEBHOOKS]


def _send_channel(layout: Layout, name: str, first: int, count: int) -> int:
    channel = WEBHOOKS[name]
    secret = (layout.secrets / f"{name}_secrets").read_text(encoding="ascii").split()[0]
    body = sample(name)
    accepted = 0
    with open_session() as session:
        for number in range(first, first + count):
            order = channel.renumber(body, number)
            headers = channel.sign(order, secret, channel.choose_topic(order), str(uuid.uuid4()), time.time())
            try:
                answer = session.post(
                    f"{layout.base_url}/webhooks/{name}", data=order, headers=headers, timeout=SEND_DEADLINE_S
                )
            except requests.RequestException:
                continue
            accepted += answer.ok
    return accepted


def _count_stored(database_url: str, numbers: list[str]) -> dict[str, int]:
    """Orders of these numbers by channel."""
    with (
        closing(connect_for(10.0, database_url)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT channel, count(*) FROM orders WHERE external_id = ANY(%s) GROUP BY channel", (numbers,))
        return dict(cursor.fetchall())
