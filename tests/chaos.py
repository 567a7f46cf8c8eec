"""Twenty senders that behave like real channels, and the oracle that says what must have come of it."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from app.store.pool import Pool
from tests.sender import Sender, read_payload

STATUSES = ("pending", "processing", "completed", "refunded")
FINAL = {"pending": "pending", "processing": "paid", "completed": "fulfilled", "refunded": "refunded"}
SENDERS = 20
RETRY_PAUSE_S = 0.2
SEND_DEADLINE_S = 120.0


@dataclass(frozen=True)
class Delivery:
    """One version of one order, as it will be sent (several times, perhaps)."""

    delivery_id: str
    order: int
    version: int
    body: bytes


@dataclass
class Tally:
    """What the senders were told."""

    acknowledged: set[str] = field(default_factory=set)
    unavailable: int = 0
    broken: int = 0
    surprises: list[str] = field(default_factory=list)


def make_deliveries(orders: int, dice: random.Random) -> list[Delivery]:
    """For each order one to four versions, of the same or of growing state; one in five is sent twice; shuffled."""
    template: dict[str, Any] = json.loads(read_payload("woocommerce"))
    made = []
    for order in range(1, orders + 1):
        for version in range(dice.randint(1, len(STATUSES))):
            changes = {
                "id": order,
                "number": str(order),
                "status": STATUSES[version],
                "date_modified_gmt": f"2026-11-22T10:{version:02}:00",
            }
            made.append(Delivery(f"{order}-{version}", order, version, json.dumps(template | changes).encode()))
    made += dice.sample(made, len(made) // 5)
    # near enough to be plausible, far enough to overtake: within a window of some sixty deliveries
    return sorted(made, key=lambda one: one.order + dice.randint(0, 60))


class Storm:
    """Sends deliveries from many threads until each was answered 2xx; keeps count of every other answer."""

    def __init__(self, ports: list[int], secret: str, deliveries: list[Delivery]) -> None:
        self.tally = Tally()
        self._ports = ports
        self._secret = secret
        self._left = list(reversed(deliveries))
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send_all, args=(index,)) for index in range(SENDERS)]

    def start(self) -> Storm:
        for thread in self._threads:
            thread.start()
        return self

    @property
    def left(self) -> int:
        return len(self._left)

    def join(self) -> Tally:
        deadline = time.monotonic() + SEND_DEADLINE_S
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "senders did not get through"
        return self.tally

    def _send_all(self, index: int) -> None:
        turn = index
        with requests.Session() as session:
            while (delivery := self._take()) is not None:
                while not self._send(session, delivery, self._ports[turn % len(self._ports)]):
                    turn += 1
                    time.sleep(RETRY_PAUSE_S)

    def _take(self) -> Delivery | None:
        with self._lock:
            return self._left.pop() if self._left else None

    def _send(self, session: requests.Session, delivery: Delivery, port: int) -> bool:
        sender = Sender(port, "woocommerce", self._secret)
        try:
            answer = sender.send(delivery.body, delivery.delivery_id, "order.updated", session)
        except requests.RequestException:
            with self._lock:
                self.tally.broken += 1
            return False
        with self._lock:
            if answer.status_code == 200:
                self.tally.acknowledged.add(delivery.delivery_id)
            elif answer.status_code == 503:
                self.tally.unavailable += 1
            else:
                self.tally.surprises.append(f"{answer.status_code} {answer.text[:200]}")
                return True
        return answer.status_code == 200


def wait_until_settled(pool: Pool, deadline_s: float) -> float:
    """Seconds until every delivery is in an end state. Raises AssertionError after `deadline_s`."""
    started = time.monotonic()
    while time.monotonic() - started < deadline_s:
        with pool.autocommit("test") as cursor:
            cursor.execute("SELECT count(*) FROM inbox WHERE state = 'pending'")
            if cursor.fetchone()[0] == 0:
                return time.monotonic() - started
        time.sleep(0.2)
    raise AssertionError(f"not everything was in an end state after {deadline_s} s of quiet")


def check_everything(pool: Pool, deliveries: list[Delivery], tally: Tally) -> None:
    """The oracle: each 2xx stored exactly once, no key twice, every order in its last state, once."""
    assert tally.surprises == []
    sent = {one.delivery_id for one in deliveries}
    assert tally.acknowledged == sent
    last = {one.order: 0 for one in deliveries}
    for one in deliveries:
        last[one.order] = max(last[one.order], one.version)
    with pool.transaction("test") as cursor:
        # the channel adds a dash and 16 digits of the body's digest to the header's id
        cursor.execute("SELECT left(delivery_id, -17), state, result FROM inbox")
        rows = cursor.fetchall()
        assert len(rows) == len(sent), "a delivery is missing or was stored twice"
        assert {row[0] for row in rows} == sent
        assert {row[1] for row in rows} == {"done"}
        cursor.execute("SELECT external_id::int, channel_status FROM orders")
        assert dict(cursor.fetchall()) == {order: FINAL[STATUSES[version]] for order, version in last.items()}
        cursor.execute("SELECT count(*), count(DISTINCT order_id) FROM order_items")
        assert cursor.fetchone() == (2 * len(last), len(last))
        cursor.execute(
            "SELECT count(*) FROM order_events WHERE type IN"
            " ('order_created', 'channel_status_changed', 'order_updated', 'delivery_stale')"
        )
        assert cursor.fetchone()[0] == len(sent), "each delivery is one event in its order's life"
        cursor.execute("SELECT count(*) FROM order_events WHERE type = 'order_created'")
        assert cursor.fetchone()[0] == len(last)
