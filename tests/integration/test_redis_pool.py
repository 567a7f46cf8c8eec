"""Redis's pool: the same metrics as PostgreSQL's, and the same bounds."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from app import telemetry
from app.queue import WorkQueue, connect
from stack.processes import wait_until
from stack.servers import RedisServer
from tests.metrics import read_value

SLACK_S = 2.0
NAMES = itertools.count(1)
POOL_METRICS = (
    telemetry.POOL_COUNT,
    telemetry.POOL_MAX,
    telemetry.POOL_PENDING,
    telemetry.POOL_TIMEOUTS,
    telemetry.POOL_CREATE_SECONDS,
    telemetry.POOL_WAIT_SECONDS,
    telemetry.POOL_USE_SECONDS,
    telemetry.POOL_CLOSED,
)

OpenClient = Callable[..., redis.Redis]


@pytest.fixture
def make_client() -> Iterator[OpenClient]:
    made: list[redis.Redis] = []

    def make(url: str, *, size: int = 2, timeout_s: float = 0.5) -> redis.Redis:
        name = f"redis-test-{next(NAMES)}"
        made.append(connect(url, name=name, size=size, timeout_s=timeout_s, connect_timeout_s=timeout_s))
        return made[-1]

    yield make
    for client in made:
        client.connection_pool.disconnect()


def read_name(client: redis.Redis) -> str:
    return str(client.connection_pool._name)


def count(client: redis.Redis, state: str) -> float:
    return read_value(telemetry.POOL_COUNT, pool=read_name(client), state=state)


def test_every_metric_of_a_pool_is_there_before_anything_happens(make_client: OpenClient, redis_url: str) -> None:
    client = make_client(redis_url, size=3)
    name = read_name(client)
    for instrument in POOL_METRICS:
        pools = {sample.labels["pool"] for family in instrument.collect() for sample in family.samples}
        assert name in pools, instrument
    assert read_value(telemetry.POOL_MAX, pool=name) == 3
    assert (count(client, "idle"), count(client, "used")) == (0, 0)


def test_the_metrics_tell_what_happened(make_client: OpenClient, redis_url: str) -> None:
    client = make_client(redis_url, size=3)
    name = read_name(client)
    held = client.connection_pool.get_connection()
    assert client.ping()
    assert (count(client, "used"), count(client, "idle")) == (1, 1)
    client.connection_pool.release(held)
    assert (count(client, "used"), count(client, "idle")) == (0, 2)
    for _ in range(10):
        client.ping()
    assert read_value(telemetry.POOL_CREATE_SECONDS, "_count", pool=name) == 2
    assert read_value(telemetry.POOL_WAIT_SECONDS, "_count", pool=name) == 12
    assert read_value(telemetry.POOL_USE_SECONDS, "_count", pool=name, route="command") == 12
    assert read_value(telemetry.POOL_CLOSED, "_total", pool=name) == 0
    client.connection_pool.disconnect()
    assert read_value(telemetry.POOL_CLOSED, "_total", pool=name, reason="shutdown") == 2
    assert count(client, "idle") == 0


def test_an_exhausted_pool_says_so_within_its_deadline(make_client: OpenClient, redis_url: str) -> None:
    client = make_client(redis_url, size=1, timeout_s=0.5)
    name = read_name(client)
    held = client.connection_pool.get_connection()
    seen: list[float] = []

    def wait() -> None:
        started = time.monotonic()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        seen.append(time.monotonic() - started)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert wait_until(lambda: read_value(telemetry.POOL_PENDING, pool=name) == 1, 5)
    waiting.join(10)
    assert len(seen) == 1
    assert 0.5 <= seen[0] < 0.5 + SLACK_S
    assert read_value(telemetry.POOL_TIMEOUTS, "_total", pool=name) == 1
    assert read_value(telemetry.POOL_PENDING, pool=name) == 0
    client.connection_pool.release(held)
    assert client.ping()


def test_a_frozen_server_costs_its_deadline(make_client: OpenClient, own_redis: RedisServer) -> None:
    client = make_client(own_redis.url, size=2, timeout_s=0.5)
    assert client.ping()
    own_redis.freeze()
    try:
        for _ in range(4):  # more often than there are connections
            started = time.monotonic()
            with pytest.raises((redis.TimeoutError, redis.ConnectionError)):
                client.ping()
            assert time.monotonic() - started < 2 * 0.5 + SLACK_S
    finally:
        own_redis.thaw()
    assert client.ping()
    assert count(client, "used") == 0
    assert read_value(telemetry.POOL_CLOSED, "_total", pool=read_name(client), reason="broken") >= 1


def test_a_restarted_server_needs_no_restart_of_ours(make_client: OpenClient, own_redis: RedisServer) -> None:
    client = make_client(own_redis.url)
    assert client.ping()
    own_redis.kill9()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    own_redis.start()
    assert client.ping()
    assert count(client, "used") == 0
    assert read_value(telemetry.POOL_CLOSED, "_total", pool=read_name(client), reason="broken") == 1


def test_a_port_that_accepts_and_never_answers_is_bounded(make_client: OpenClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = make_client(f"redis://:a-password-of-nothing@127.0.0.1:{listener.getsockname()[1]}/0")
        started = time.monotonic()
        with pytest.raises(redis.RedisError):
            client.ping()
        assert time.monotonic() - started < 2 * 0.5 + SLACK_S
    assert count(client, "used") == 0


def test_the_doorbell_of_a_frozen_redis_is_bounded_and_then_not_even_tried(own_redis: RedisServer) -> None:
    queue = WorkQueue(own_redis.url, timeout_s=0.3, connect_timeout_s=0.3)
    assert queue.ring() == "rung"
    assert queue.ring() == "waiting"
    own_redis.freeze()
    try:
        outcomes, started = [], time.monotonic()
        for _ in range(10):
            outcomes.append(queue.ring())
        assert set(outcomes) == {"failed", "open"}
        assert outcomes.count("failed") <= 4, "the breaker did not open"
        assert time.monotonic() - started < 4 * 2 * 0.3 + SLACK_S
    finally:
        own_redis.thaw()
    assert wait_until(lambda: queue.ring(force=True) == "rung", 10, 0.2)
    queue.redis.connection_pool.disconnect()
