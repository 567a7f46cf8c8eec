"""Sends the channels' webhooks: signed, off the request's thread, from a bounded queue, each try with a deadline.

Shopify and Standard Webhooks senders try again, WooCommerce does not and disables the webhook after five
failures in a row. What each does after how long in reality is in docs/simulator.md; here it is seconds.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import requests

from app.channels import WEBHOOKS
from simulator.misbehaviour import DUPLICATE, NEVER_SENDS, REORDER, WEBHOOK_OPERATION, Misbehaviour

log = logging.getLogger(__name__)

RETRY_PAUSES_S: dict[str, tuple[float, ...]] = {
    "shopify": (0.5, 2.0, 8.0),
    "woocommerce": (),
    "standard": (0.2, 0.5, 1.0, 2.0, 4.0, 8.0),
}
FAILURES_BEFORE_DISABLED = 5  # WooCommerce's documented number
TIMEOUT_S = 5.0  # Shopify's, for connecting and for the answer's head
CAPACITY = 20_000
SENDERS = 4


@dataclass(order=True)
class Job:
    due: float
    place: int
    channel: str = field(compare=False)
    topic: str = field(compare=False)
    body: bytes = field(compare=False)
    delivery_id: str = field(compare=False)
    tries: int = field(default=0, compare=False)


class WebhookSender:
    """One sender per simulator. `secrets` names the channels that have webhooks; without `target` none is sent."""

    def __init__(
        self,
        target: str | None,
        secrets: Mapping[str, str],
        misbehaviour: Misbehaviour,
        read_clock: Callable[[str], datetime],
    ) -> None:
        self._target = target.rstrip("/") if target else None
        self._secrets = secrets
        self._misbehaviour = misbehaviour
        self._read_clock = read_clock
        self._condition = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._places = itertools.count()
        self._ended = False
        self._reset()

    def _reset(self) -> None:
        self._heap: list[Job] = []
        self._in_flight = 0
        self._generation = getattr(self, "_generation", 0) + 1
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._lost: dict[str, deque[Job]] = {name: deque(maxlen=CAPACITY) for name in self._secrets}
        self._failures: Counter[str] = Counter()
        self._disabled: set[str] = set()

    def reset(self) -> None:
        """Forget what is queued and counted."""
        with self._condition:
            self._reset()

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._run, name=f"webhooks-{n}", daemon=True) for n in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the senders; at most TIMEOUT_S and a bit for a try that is under way."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(TIMEOUT_S * 2 + 1)

    @property
    def channels(self) -> tuple[str, ...]:
        """Those that send webhooks here."""
        return tuple(self._secrets)

    def send(self, channel: str, topic: str, body: bytes) -> None:
        """Queue one webhook. Never waits: when the queue is full, the webhook is lost, as a real one would be."""
        if self._target is None or channel not in self._secrets:
            return
        pick = self._misbehaviour.pick
        delay = pick(channel, WEBHOOK_OPERATION, REORDER)
        due = time.monotonic() + (self._misbehaviour.draw_delay(delay.seconds) if delay else 0.0)
        job = Job(due, next(self._places), channel, topic, body, self._make_delivery_id(channel, topic))
        with self._condition:
            counts = self._counts[channel]
            counts["made"] += 1
            if channel in self._disabled:
                counts["disabled"] += 1
            elif pick(channel, WEBHOOK_OPERATION, NEVER_SENDS):
                counts["never_sent"] += 1
                self._lost[channel].append(job)
            else:
                self._push(job)
                if pick(channel, WEBHOOK_OPERATION, DUPLICATE):
                    counts["duplicated"] += 1
                    self._push(Job(due, next(self._places), channel, topic, body, job.delivery_id))

    def _make_delivery_id(self, channel: str, topic: str) -> str:
        if channel == "woocommerce":  # of the webhook's number and the second, as WC_Webhook makes it
            return sha256(f"{topic}{int(self._read_clock(channel).timestamp())}".encode()).hexdigest()[:32]
        return str(uuid.uuid4())

    def _push(self, job: Job) -> None:
        if len(self._heap) >= CAPACITY:
            self._counts[job.channel]["queue_full"] += 1
            self._lost[job.channel].append(job)
            return
        heapq.heappush(self._heap, job)
        self._condition.notify()

    def enable(self, channel: str) -> None:
        """Save the webhook again, as its owner would: WooCommerce enables it, and sends its unsigned ping."""
        with self._condition:
            self._disabled.discard(channel)
            self._failures[channel] = 0
        if channel == "woocommerce" and self._target is not None:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            with requests.Session() as session:
                self._post(session, channel, b"webhook_id=1", headers)

    def resend(self, channel: str) -> int:
        """Queue again, under its first id, what was lost or given up; return how many."""
        with self._condition:
            lost = list(self._lost.get(channel, ()))
            self._lost[channel].clear()
            for job in lost:
                self._push(Job(time.monotonic(), job.place, channel, job.topic, job.body, job.delivery_id))
            return len(lost)

    def describe(self) -> dict[str, Any]:
        """`idle` when nothing is queued or under way; per channel what became of the webhooks."""
        with self._condition:
            return {
                "queued": len(self._heap),
                "idle": not self._heap and not self._in_flight,
                "channels": {
                    name: {**self._counts[name], "is_disabled": name in self._disabled} for name in self._secrets
                },
            }

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # no proxy between this and the service under test
            while (taken := self._take()) is not None:
                job, generation = taken
                delivered = self._deliver(session, job)
                with self._condition:
                    if generation == self._generation:
                        self._in_flight -= 1
                        self._settle(job, delivered)

    def _take(self) -> tuple[Job, int] | None:
        with self._condition:
            while not self._ended:
                if not self._heap:
                    self._condition.wait()
                elif (left := self._heap[0].due - time.monotonic()) > 0:
                    self._condition.wait(left)
                else:
                    self._in_flight += 1
                    return heapq.heappop(self._heap), self._generation
            return None

    def _deliver(self, session: requests.Session, job: Job) -> bool:
        now = self._read_clock(job.channel)
        signed = WEBHOOKS[job.channel].sign(
            job.body, self._secrets[job.channel], job.topic, job.delivery_id, now.timestamp()
        )
        return self._post(session, job.channel, job.body, signed)

    def _post(self, session: requests.Session, channel: str, body: bytes, headers: Mapping[str, str]) -> bool:
        url = f"{self._target}/webhooks/{channel}"
        try:
            # The body is not waited for: it could come for ever, a byte at a time.
            with session.post(
                url, data=body, headers=dict(headers), timeout=TIMEOUT_S, allow_redirects=False, stream=True
            ) as answer:
                return 200 <= answer.status_code < 300
        except requests.RequestException:
            return False

    def _settle(self, job: Job, delivered: bool) -> None:
        counts = self._counts[job.channel]
        counts["tries"] += 1
        if delivered:
            counts["delivered"] += 1
            self._failures[job.channel] = 0
            return
        counts["failed"] += 1
        self._failures[job.channel] += 1
        pauses = RETRY_PAUSES_S[job.channel]
        if job.tries < len(pauses):
            job.due, job.tries = time.monotonic() + pauses[job.tries], job.tries + 1
            self._push(job)
            return
        counts["given_up"] += 1
        self._lost[job.channel].append(job)
        if job.channel == "woocommerce" and self._failures[job.channel] >= FAILURES_BEFORE_DISABLED:
            log.warning("webhook_disabled", extra={"channel": job.channel})
            self._disabled.add(job.channel)
