"""Orders through the front door of containers, and what became of them."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Protocol

import requests

from tests.sender import Sender, read_payload

TIMEOUT_S = 30.0


class Running(Protocol):
    """A stack of compose, or on a swarm."""

    ports: dict[str, int]

    @property
    def url(self) -> str: ...

    def execute(self, service: str, *command: str, deadline_s: float = ...) -> str: ...

    def read_secret(self, name: str) -> str: ...


def count_orders(stack: Running) -> int:
    """Orders that are stored."""
    return int(ask_database(stack, "SELECT count(*) FROM orders"))


def count_stored_twice(stack: Running) -> int:
    """Orders that were made more than once."""
    made = "SELECT FROM order_events WHERE type = 'order_created' GROUP BY order_id HAVING count(*) > 1"
    return int(ask_database(stack, f"SELECT count(*) FROM ({made}) AS twice"))


def ask_database(stack: Running, query: str) -> str:
    return stack.execute("postgres", "psql", "-X", "-A", "-t", "-d", "palmonas", "-c", query).strip()


def count_pending(stack: Running) -> int:
    """Deliveries that are accepted and not stored yet."""
    return int(ask_database(stack, "SELECT count(*) FROM inbox WHERE state = 'pending'"))


@dataclass
class Load:
    """Webhooks and lists, each sent once: what fails is counted, not tried again.

    `per_second` of each kind; the senders keep their connections, as real ones do.
    """

    stack: Running
    per_second: float
    accepted: set[str] = field(default_factory=set)
    read: int = 0
    failures: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def tell(self, what: str, started: float) -> str:
        """What was done since `started` (time.monotonic), and what came of the load meanwhile."""
        took = f"{what} in {time.monotonic() - started:.0f} s"
        return f"{took}; {len(self.accepted)} orders accepted, {self.read} lists read, {len(self.failures)} failures"

    def __enter__(self) -> Load:
        secret, token = self.stack.read_secret("shopify_secrets"), self.stack.read_secret("admin.token")
        document = json.loads(read_payload("shopify"))
        sender = Sender(self.stack.ports["PORT"], "shopify", secret)

        def send(session: requests.Session) -> None:
            number = uuid.uuid4().int >> 76
            body = json.dumps(
                {**document, "id": number, "admin_graphql_api_id": f"gid://shopify/Order/{number}"}
            ).encode()
            answer = sender.send(body, str(uuid.uuid4()), session=session)
            answer.raise_for_status()
            self.accepted.add(str(number))

        def look(session: requests.Session) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            answer = session.get(f"{self.stack.url}/orders", headers=headers, timeout=TIMEOUT_S)
            answer.raise_for_status()
            self.read += 1

        for action in (send, look):
            self._threads.append(threading.Thread(target=self._repeat, args=(action,)))
        for thread in self._threads:
            thread.start()
        return self

    def _repeat(self, action: object) -> None:
        assert callable(action)
        with requests.Session() as session:
            while not self._ended.wait(1 / self.per_second):
                try:
                    action(session)
                except requests.RequestException as error:
                    said = "" if error.response is None else error.response.text
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {action.__name__}: {error} {said}")

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)
