"""A service with all its workers beside the simulator, started once for many cells of a matrix."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from app.store.pool import Pool
from app.store.tokens import create_token
from stack.processes import find_free_port
from stack.servers import PostgresServer, RedisServer
from tests.servers import copy_database, empty_redis
from tests.service import Service
from tests.simulated import Key, Simulator, wait_for_truth

POLLED = ("shopify", "woocommerce", "amazon")
CHANNELS = (*POLLED, "standard")
DEADLINE_S = 60.0
TIMEOUT_S = 10.0


@dataclass
class Rig:
    service: Service
    simulator: Simulator
    pool: Pool
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.service.processes[0].port}"

    def expect_truth(self, own: Collection[Key], deadline_s: float = DEADLINE_S) -> None:
        """Return once each of `own` is stored exactly once, in its last state."""
        assert own
        wait_for_truth(self.pool, self.simulator, CHANNELS, deadline_s, own)

    def find_paid(self, channel: str, number: int) -> list[Key]:
        """So many new orders of a channel that are paid and stored, and that change no more by themselves."""
        paid: list[Key] = []
        while len(paid) < number:
            made = self.simulator.make_orders(channel, 6)
            truth = self.simulator.read_truth()
            self.simulator.advance([key for key in made if truth[key][0] == "pending"])
            truth = self.simulator.read_truth()
            paid += [key for key in made if truth[key][0] == "paid"]
        self.expect_truth(paid[:number])
        return paid[:number]

    def change_status(self, order: Key, *statuses: str) -> None:
        """As an operator: one change after the other, each on the revision that was read before it."""
        order_id = self.count("SELECT id FROM orders WHERE channel = %s AND external_id = %s", *order)
        address, headers = f"{self.url}/orders/{order_id}", {"Authorization": f"Bearer {self.token}"}
        for status in statuses:
            etag = requests.get(address, headers=headers, timeout=TIMEOUT_S).headers["ETag"]
            answer = requests.patch(
                f"{address}/status", json={"status": status}, headers=headers | {"If-Match": etag}, timeout=TIMEOUT_S
            )
            assert answer.status_code == 200, answer.text

    def expect_pushed(self, deadline_s: float = DEADLINE_S) -> None:
        """Return once no message waits; none may have been given up."""
        deadline = time.monotonic() + deadline_s
        while waiting := self.count("SELECT count(*) FROM outbox WHERE state = 'pending'"):
            assert time.monotonic() < deadline, f"{waiting} messages wait after {deadline_s} s"
            time.sleep(0.1)
        with self.pool.autocommit("test") as cursor:
            cursor.execute("SELECT channel, payload, error FROM outbox WHERE state = 'failed'")
            assert cursor.fetchall() == []

    def expect_drained(self, deadline_s: float = DEADLINE_S) -> None:
        """Return once the inbox is done with; nothing may be in quarantine."""
        deadline = time.monotonic() + deadline_s
        while waiting := self.count("SELECT count(*) FROM inbox WHERE state = 'pending'"):
            assert time.monotonic() < deadline, f"{waiting} deliveries wait after {deadline_s} s"
            time.sleep(0.1)
        assert self.count("SELECT count(*) FROM inbox WHERE state <> 'done'") == 0

    def count(self, sql: str, *values: object) -> int:
        with self.pool.autocommit("test") as cursor:
            cursor.execute(sql, values or None)
            return int(cursor.fetchone()[0])


@contextmanager
def open_rig_on_copy(
    postgres: PostgresServer, redis: RedisServer, name: str, directory: Path, **settings: str
) -> Iterator[Rig]:
    """A rig on a database `name` of its own and an emptied Redis."""
    empty_redis(redis)
    with copy_database(postgres, name) as url, open_rig(url, redis.url, directory, **settings) as rig:
        yield rig


@contextmanager
def open_rig(database_url: str, redis_url: str, directory: Path, **settings: str) -> Iterator[Rig]:
    """The whole service on the given servers, told of the simulator; `settings` have the last word."""
    door = find_free_port()
    simulator = Simulator(directory, f"http://127.0.0.1:{door}")
    secrets = dict.fromkeys(("shopify_secrets", "woocommerce_secrets", "standard_secrets"), "")
    service = Service(database_url, redis_url, directory, **(secrets | simulator.make_settings() | settings))
    pool = Pool(database_url, name="test", size=3, timeout_s=2.0, connect_timeout_s=2.0, statement_timeout_s=5.0)
    try:
        service.add_api(port=str(door))
        service.add_worker("ingest")
        for number in (1, 2):
            service.add_worker("poll", name=f"worker-poll-{number}")
            service.add_worker("push", name=f"worker-push-{number}")
        service.add("dispatcher", "dispatcher")
        service.wait_ready()
        yield Rig(service, simulator, pool, create_token(pool, "rig", "operator"))
    finally:
        pool.close()
        try:
            service.stop()
        finally:
            simulator.stop()
