"""Deliveries as a shop makes them: orders of every size that live on, in names of many scripts, some sent twice.

Orders and their lives are the simulator's. The same seed, channel and clock make the same deliveries.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import orjson

from app.channels import WEBHOOKS, sample
from simulator.application import EVENTS
from simulator.catalogue import ARTICLES, CHANNEL_NAMES, Line, Order, build_order
from simulator.orders import Change, World

SHARE_REPEATED = 0.1
SHARE_NEWER = 0.5  # of those that are no repeats: a step in the life of an order that was sent before
SHARE_WHOLESALE = 0.03
WHOLESALE_LINES = (20, 60)
LIVE_ORDERS = 500  # known at a time; the oldest is forgotten, however unfinished, so that hours take no more memory
REPEATABLE = 50

# Above the simulator's own, so that no order of a demo has a number of ours.
FIRST_OFFSET, OFFSETS = 1_000_000, 8_000_000

NAMES = (("Grace", "Sample"), ("Zoë", "Müller-Groß"), ("João", "da Conceição"), ("Ólafur", "Þórðarson"),
         ("Ирина", "Соколова"), ("Ελένη", "Παπαδοπούλου"), ("李", "小龍"), ("さくら", "山田"), ("نور", "الهدى"),
         ("שרה", "כהן"), ("Siobhán", "O'Brien \"Shiv\""), ("Nguye\u0302\u0303n", "Thị Minh"))  # fmt: skip
ARTICLE_NAMES = ("Lámpara de escritorio", "デスクランプ", "Кружка, синяя", "Tasse 🫖 „groß“", "مصباح مكتب",
                 "Field guide <2nd ed.> & map", "Back\\slash\tand tab", "Long name " * 25)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook to send. A repeat is the same delivery under the same id, body and topic."""

    channel: str
    topic: str
    body: bytes
    delivery_id: str
    is_repeat: bool = False


def read_clock(_channel: str) -> datetime:
    return datetime.now(UTC)


class Shop:
    """One channel's deliveries, without end. A channel the simulator cannot write repeats its sample, renumbered."""

    def __init__(self, channel: str, seed: int, clock: Callable[[str], datetime] = read_clock) -> None:
        self.channel = channel
        self._seed = seed
        self._random = Random(f"{seed}:{channel}")
        self._offset = FIRST_OFFSET + Random(f"{seed}").randrange(OFFSETS)
        self._serial = 0
        self._world = World(seed, clock)
        self._world.on_change = self._write
        self._live: deque[Order] = deque(maxlen=LIVE_ORDERS)
        self._unsent: deque[Delivery] = deque()
        self._sent: deque[Delivery] = deque(maxlen=REPEATABLE)

    def take(self) -> Delivery:
        """The next delivery."""
        if self._sent and self._random.random() < SHARE_REPEATED:
            return replace(self._random.choice(self._sent), is_repeat=True)
        if not self._unsent and not (self._random.random() < SHARE_NEWER and self._change_order()):
            self._make_order()
        delivery = self._unsent.popleft()
        self._sent.append(delivery)
        return delivery

    def _change_order(self) -> bool:
        """Take the next step of an order; False when none has one left."""
        while self._live:
            place = self._random.randrange(len(self._live))
            changed = self._world.advance_order(self._live[place])
            if not self._live[place].plan:
                del self._live[place]
            if changed:
                return True
        return False

    def _make_order(self) -> None:
        self._serial += 1
        if self.channel not in EVENTS or self.channel not in CHANNEL_NAMES:
            channel = WEBHOOKS[self.channel]
            body = channel.renumber(sample(self.channel), self._offset * 1_000_000 + self._serial)
            self._add(channel.choose_topic(body), body)
            return
        now = self._world.read_clock(self.channel)
        order = build_order(self.channel, self._seed, self._offset, self._serial, now)
        vary_order(order, self._random)
        self._live.append(order)
        self._write(order, Change(created=True))

    def _write(self, order: Order, change: Change) -> None:
        document: Mapping[str, Any]
        for topic, document in EVENTS[self.channel](order, change):
            self._add(topic, orjson.dumps(document))

    def _add(self, topic: str, body: bytes) -> None:
        delivery_id = str(UUID(int=self._random.getrandbits(128), version=4))
        self._unsent.append(Delivery(self.channel, topic, body, delivery_id))


def vary_order(order: Order, random: Random) -> None:
    """Give a new order a buyer of any script, articles of any name, and sometimes very many lines."""
    order.name = random.choice(NAMES)
    if random.random() < SHARE_WHOLESALE:
        for place in range(len(order.lines) + 1, random.randint(*WHOLESALE_LINES) + 1):
            sku, name, price = random.choice(ARTICLES)
            line_id = order.id * 100 + place
            order.lines.append(
                Line(line_id, f"{sku}-{place}", name, random.randint(1, 144), Decimal(price), Decimal(0))
            )
    for line in order.lines:
        if random.random() < 0.5:
            line.name = random.choice(ARTICLE_NAMES)
