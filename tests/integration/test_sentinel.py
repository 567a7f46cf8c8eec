"""The Redis that holds queues and sessions is killed: its replica takes over, and nobody has to do anything."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from app.config import Config
from app.queue import connect
from app.setting_values import RedisPlace
from stack.processes import is_alive, wait_until
from stack.sentinel import MASTER, SENTINELS, KeptRedis, RedisSentinel
from tests.api_console import run_console
from tests.chaos import Storm, check_everything, make_deliveries
from tests.integration.conftest import StartService, open_pool
from tests.servers import make_server_directory

FAILOVER_S = 60.0  # three seconds of silence, an election, and a busy machine
SEED = 20261123


@dataclass
class Watched:
    """A master, its replica, and those who watch them."""

    master: KeptRedis
    replica: KeptRedis
    sentinels: list[RedisSentinel]

    @property
    def settings(self) -> dict[str, str]:
        return {"REDIS_SENTINELS": " ".join(f"127.0.0.1:{one.port}" for one in self.sentinels)}

    @property
    def place(self) -> RedisPlace:
        # the URL's host is not used, so it may be any
        url = self.master.url.replace(f":{self.master.port}", ":1")
        return Config({"PALMONAS_REDIS_URL": url, **{f"PALMONAS_{k}": v for k, v in self.settings.items()}}).redis_place

    def agree_on(self, server: KeptRedis) -> bool:
        return all(one.find_master() == server.port for one in self.sentinels)

    def is_in_step(self) -> bool:
        """The replica follows, and every Sentinel knows it."""
        client = redis.Redis.from_url(self.replica.url)
        told = client.info("replication")
        client.close()
        assert isinstance(told, dict)
        return told.get("master_link_status") == "up" and all(self._knows_all(one) for one in self.sentinels)

    def _knows_all(self, one: RedisSentinel) -> bool:
        client = redis.Redis.from_url(one.url)
        told = client.sentinel_master(MASTER)
        client.close()
        assert isinstance(told, dict)
        return (told["num-slaves"], told["num-other-sentinels"]) == (1, SENTINELS - 1)


@pytest.fixture
def watched() -> Iterator[Watched]:
    with make_server_directory() as directory:
        master = KeptRedis(directory / "redis")
        replica = KeptRedis(directory / "redis-replica", follows=master)
        sentinels = [RedisSentinel(directory / f"s{number}", master, number) for number in range(SENTINELS)]
        servers = [master, replica, *sentinels]
        try:
            for server in servers:
                server.start()
            made = Watched(master, replica, sentinels)
            assert wait_until(made.is_in_step, 30, pause_s=0.1)
            yield made
        finally:
            for server in servers:
                server.stop()


def open_client(watched: Watched, name: str) -> redis.Redis:
    return connect(watched.place, name=name, size=2, timeout_s=1.0, connect_timeout_s=1.0)


def wait_written(client: redis.Redis, key: str) -> float:
    """Seconds until a write got through again."""
    started = time.monotonic()

    def write() -> bool:
        try:
            return bool(client.set(key, "1"))
        except redis.RedisError:
            return False

    assert wait_until(write, FAILOVER_S, pause_s=0.1)
    return time.monotonic() - started


@pytest.mark.parametrize("how", ["kill9", "freeze"])
def test_a_client_finds_the_new_master_and_what_was_there(watched: Watched, how: str) -> None:
    client = open_client(watched, f"redis-{how}")
    client.set("before", "kept")
    assert client.wait(1, 5000) == 1
    getattr(watched.master, how)()
    taken_s = wait_written(client, "after")
    assert client.get("before") == b"kept"
    assert watched.agree_on(watched.replica)
    print(f"\nwritten again {taken_s:.1f} s after {how}")
    if how == "freeze":
        watched.master.thaw()  # and is told that it is a replica now
        stale = redis.Redis.from_url(watched.master.url)
        assert wait_until(lambda: stale.role()[0] == b"slave", 30, pause_s=0.1)
        stale.close()
        assert client.set("again", "1")
    client.close()


def test_a_sentinel_or_two_may_be_missing_and_none_is_an_error_that_ends(watched: Watched) -> None:
    watched.sentinels[0].kill9()
    client = open_client(watched, "redis-one-less")
    assert client.ping()
    watched.sentinels[1].freeze()
    other = open_client(watched, "redis-two-less")
    assert other.ping()
    watched.sentinels[1].thaw()
    for one in watched.sentinels[1:]:
        one.kill9()
    started = time.monotonic()
    lonely = open_client(watched, "redis-none")
    with pytest.raises(redis.ConnectionError):
        lonely.ping()
    assert time.monotonic() - started < 10
    assert client.ping(), "who has the master needs no Sentinel"
    for each in (client, other, lonely):
        each.close()


def test_sessions_live_on(watched: Watched, database_url: str) -> None:
    with run_console(database_url, watched.place.url, settings=watched.settings) as console:
        browser = console.log_in("operator")
        assert browser.get("/session").status_code == 200
        client = open_client(watched, "redis-waits")
        client.set("after", "the session")
        assert client.wait(1, 5000) == 1
        client.close()
        watched.master.kill9()
        assert browser.get("/orders").status_code == 503, "the kill was not noticed: the test proves nothing"
        assert wait_until(lambda: browser.get("/orders").status_code == 200, FAILOVER_S, pause_s=0.2)


def test_orders_come_in_through_a_failover_and_queues_go_on(
    start_service: StartService, watched: Watched, database_url: str
) -> None:
    sentinels = {name.lower(): value for name, value in watched.settings.items()}
    service = start_service(database_url, watched.place.url, roles="accept", **sentinels)
    api = service.add_api("api")
    worker = service.add_worker("ingest")
    service.add("dispatcher", "dispatcher")
    service.wait_ready()
    deliveries = make_deliveries(200, random.Random(SEED))
    storm = Storm([api.port], service.secrets["woocommerce"], deliveries).start()
    assert wait_until(lambda: storm.left < len(deliveries) // 2, 120)
    watched.master.kill9()
    killed = time.monotonic()
    tally = storm.join()
    pool = open_pool(database_url, size=1)

    def is_settled() -> bool:
        if not is_alive(worker.pid):  # it ends when Redis goes while it holds a job, and its supervisor starts it again
            worker.stop()
            worker.start()
        with pool.autocommit("test") as cursor:
            cursor.execute("SELECT count(*) FROM inbox WHERE state = 'pending'")
            return bool(cursor.fetchone()[0] == 0)

    assert wait_until(is_settled, FAILOVER_S, pause_s=0.5)
    settled_s = time.monotonic() - killed
    check_everything(pool, deliveries, tally)
    pool.close()
    assert watched.agree_on(watched.replica)
    assert (tally.unavailable, tally.broken) == (0, 0), "an order waited for Redis"
    print(f"\n{len(deliveries)} deliveries, none refused; all stored {settled_s:.1f} s after the kill")
