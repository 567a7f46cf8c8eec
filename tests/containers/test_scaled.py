"""containers/scale.env: a replica that follows and is read from, and a Redis that takes over from the other."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from app.api.sessions import COOKIE
from stack.processes import wait_until
from tests.containers.conftest import Record
from tests.containers.engine import Engine
from tests.containers.orders import Load, ask_database, count_orders, count_pending, count_stored_twice
from tests.containers.stack import Stack, ask_prometheus, read_settings

DEADLINE_S = 180.0
# Three seconds of silence, an election, and a busy machine; a session and a stored order need no more than this.
FAILOVER_S = 60.0
AGAIN_S = 120.0  # with both gone, the first waits 40 s for a Sentinel that knows of another
OURS = ("api-accept", "api-console", "worker-ingest", "worker-tasks", "dispatcher", "exporter")
WATCHED = ("prometheus", "postgres-exporter", "postgres-replica-exporter", "redis-exporter", "redis-replica-exporter")
REDIS = ("redis", "redis-replica")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
ROLE = 'REDISCLI_AUTH="$(cat /run/palmonas/redis.password)" redis-cli role'


@pytest.fixture(scope="module")
def scaled(built: Engine) -> Iterator[Stack]:
    stack = Stack(built, project="palmonas-scaled", settings=read_settings("scale"))
    try:
        stack.start("haproxy", *OURS, "postgres-replica", *WATCHED)
        yield stack
    finally:
        stack.stop()


def test_the_replica_follows_and_is_read_from(scaled: Stack) -> None:
    assert ask_database(scaled, "SELECT state FROM pg_stat_replication") == "streaming"
    with Load(scaled, per_second=5) as load:
        assert wait_until(lambda: len(load.accepted) >= 20 and load.read >= 20, DEADLINE_S, pause_s=0.5)
    assert load.failures == []
    assert wait_until(lambda: count_pending(scaled) == 0, DEADLINE_S, pause_s=1)
    count = ("psql", "-X", "-A", "-t", "-d", "palmonas", "-c", "SELECT count(*) FROM orders")
    stored = str(count_orders(scaled))
    assert wait_until(lambda: scaled.execute("postgres-replica", *count).strip() == stored, DEADLINE_S, pause_s=1)
    reads = "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'palmonas'"
    there = scaled.execute("postgres-replica", "psql", "-X", "-A", "-t", "-d", "palmonas", "-c", reads)
    assert there.strip() == "t", "the console has connections to the replica"


def test_every_server_is_measured_by_its_role(scaled: Stack) -> None:
    for query in (
        'pg_up{job="postgresql"} == 1',
        'pg_up{job="postgresql-replica", instance="postgres-replica-exporter"} == 1',
        'pg_exporter_last_scrape_error{job="postgresql-replica"} == 0',
        'pg_client_sessions_count{job="postgresql-replica", state="idle"}',
        'redis_instance_info{job="redis", role="master"}',
        'redis_connected_slaves{job="redis"} == 1',
        'redis_instance_info{job="redis-replica", instance="redis-replica-exporter", role="slave"}',
        'redis_master_link_up{job="redis-replica"} == 1',
    ):
        assert wait_until(lambda query=query: ask_prometheus(scaled, query) != [], DEADLINE_S, pause_s=2), query


def find_masters(stack: Stack) -> list[str]:
    """Of both Redis, those that run and say that they are the master."""
    found = []
    for service in REDIS:
        told = stack.compose("exec", "-T", service, "sh", "-c", ROLE, check=False).stdout
        if told.startswith("master"):
            found.append(service)
    return found


def ask_in_session(stack: Stack, cookie: str) -> bool:
    """Whether a page is shown to who logged in before."""
    try:
        answer = requests.get(f"{stack.url}/orders", headers={"Cookie": f"{COOKIE}={cookie}"}, timeout=30)
    except requests.RequestException:
        return False
    return answer.status_code == 200


@pytest.fixture(scope="module")
def cookie(scaled: Stack) -> str:
    """Of a session that begins now."""
    email = "failover@shop.example"
    told = scaled.execute("api-console", *("palmonas", "user", "create", email, "--role", "viewer", "--generate"))
    login = {"email": email, "password": told.split()[-1]}
    answer = requests.post(f"{scaled.url}/session", json=login, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.cookies[COOKIE]


@pytest.mark.parametrize(
    ("lost", "how"),
    [("redis", "kill"), ("redis-replica", "kill"), ("redis", "pause")],
    ids=["first", "second", "frozen"],
)
def test_a_master_that_is_lost_is_taken_over_from_under_load(
    scaled: Stack, cookie: str, lost: str, how: str, record_property: Record
) -> None:
    """Each time it is the one that took over before, which the other one follows by then."""
    assert find_masters(scaled) == [lost]
    other = next(one for one in REDIS if one != lost)
    before, [container] = count_orders(scaled), scaled.list_containers(lost)
    with Load(scaled, per_second=10) as load:
        assert wait_until(lambda: len(load.accepted) >= 20, DEADLINE_S, pause_s=0.2)
        started = time.monotonic()
        scaled.engine.run(how, container)
        assert wait_until(lambda: ask_in_session(scaled, cookie), FAILOVER_S, pause_s=0.1)
        session_s = time.monotonic() - started
        known = set(load.accepted)
        assert wait_until(lambda: load.accepted > known and is_stored_since(scaled), FAILOVER_S, pause_s=0.2)
        stored_s = time.monotonic() - started
        assert find_masters(scaled) == [other]
        time.sleep(5)  # with the other one, as usual
    record_property(
        "Redis failover",
        f"{how} {lost}: the session was answered again after {session_s:.1f} s, orders were stored after "
        f"{stored_s:.1f} s; {len(load.accepted)} orders accepted, {load.read} lists read, {len(load.failures)} failed",
    )
    print(*load.failures, sep="\n")
    assert load.failures == []
    assert wait_until(lambda: count_pending(scaled) == 0, DEADLINE_S, pause_s=1)
    assert count_orders(scaled) == before + len(load.accepted)
    assert count_stored_twice(scaled) == 0
    scaled.engine.run({"kill": "start", "pause": "unpause"}[how], container)
    follows = f'redis_master_link_up{{job="{lost}"}} == 1'
    assert wait_until(lambda: ask_prometheus(scaled, follows) != [], DEADLINE_S, pause_s=1)
    assert find_masters(scaled) == [other]


def is_stored_since(stack: Stack) -> bool:
    """Whether nothing waits that was accepted more than two seconds ago."""
    late = "SELECT count(*) FROM inbox WHERE state = 'pending' AND received_at < now() - interval '2 seconds'"
    return ask_database(stack, late) == "0"


@pytest.mark.parametrize("lost", [REDIS, (*REDIS, *SENTINELS)], ids=["both", "all"])
def test_with_all_of_them_lost_they_begin_anew(scaled: Stack, lost: tuple[str, ...], record_property: Record) -> None:
    """Empty, at other addresses, as after a restart of the machine; sessions are gone, and a new job is done."""
    started = time.monotonic()
    containers = [container for service in lost for container in scaled.list_containers(service)]
    assert len(containers) == len(lost)
    scaled.engine.run("kill", *containers)
    scaled.engine.run("start", *containers)
    assert wait_until(lambda: find_masters(scaled) == ["redis"], AGAIN_S, pause_s=1)
    before = count_orders(scaled)
    with Load(scaled, per_second=10) as load:
        assert wait_until(lambda: count_orders(scaled) > before, AGAIN_S, pause_s=0.5)
        assert wait_until(lambda: is_stored_since(scaled), AGAIN_S, pause_s=0.5)
        took_s = time.monotonic() - started
    record_property("Redis failover", f"{', '.join(lost)} lost: jobs again after {took_s:.0f} s")
    follows = 'redis_master_link_up{job="redis-replica"} == 1'
    assert wait_until(lambda: ask_prometheus(scaled, follows) != [], DEADLINE_S, pause_s=1)
    assert wait_until(lambda: count_pending(scaled) == 0, DEADLINE_S, pause_s=1)
    assert count_orders(scaled) == before + len(load.accepted)
