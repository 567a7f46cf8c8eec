"""The PostgreSQL pool in threads: every wait is bounded, every slot comes back, every number is right."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg2
import pytest

from app import telemetry
from app.errors import PalmonasError, PoolTimeout, StoreUnavailable
from app.store.pool import CLIENT_GRACE_S, Pool
from stack.processes import wait_until
from stack.servers import PostgresServer
from tests.metrics import read_value

SLACK_S = 2.0  # what a busy machine may add to a deadline before a test calls it broken
NAMES = itertools.count(1)

OpenPool = Callable[..., Pool]


@pytest.fixture
def make_pool() -> Iterator[OpenPool]:
    """Pools with a name, so with metrics, of their own."""
    made: list[Pool] = []

    def make(
        url: str, *, size: int = 2, timeout_s: float = 0.5, connect_s: float = 2.0, statement_s: float = 5
    ) -> Pool:
        pool = Pool(
            url,
            name=f"threads-{next(NAMES)}",
            size=size,
            timeout_s=timeout_s,
            connect_timeout_s=connect_s,
            statement_timeout_s=statement_s,
        )
        made.append(pool)
        return pool

    yield make
    for pool in made:
        pool.close()


def count(pool: Pool, state: str) -> float:
    return read_value(telemetry.POOL_COUNT, pool=pool.name, state=state)


def count_closed(pool: Pool, reason: str) -> float:
    return read_value(telemetry.POOL_CLOSED, "_total", pool=pool.name, reason=reason)


def count_timeouts(pool: Pool) -> float:
    return read_value(telemetry.POOL_TIMEOUTS, "_total", pool=pool.name)


def ask(pool: Pool, statement: str = "SELECT 1", values: Any = None) -> Any:
    with pool.autocommit("test") as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def take_all(pool: Pool) -> set[int]:
    """Take every connection at once, use each, and return their backends' process ids."""
    with ExitStack() as stack:
        cursors = [stack.enter_context(pool.autocommit("all")) for _ in range(pool.size)]
        for cursor in cursors:
            cursor.execute("SELECT pg_backend_pid()")
        assert count(pool, "used") == pool.size
        return {cursor.fetchone()[0] for cursor in cursors}


def execute_as(url: str, statement: str, *values: Any) -> Any:
    """Outside of any pool of ours."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def fail_in_transaction(pool: Pool, statement: str, before_failing: Callable[[], None] = lambda: None) -> None:
    with pool.transaction("test") as cursor:
        cursor.execute(statement)
        before_failing()
        raise ZeroDivisionError


def test_an_exhausted_pool_says_so_within_its_deadline(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=2, timeout_s=0.5)
    seen: list[float] = []
    with pool.autocommit("one"), pool.autocommit("two"):
        waiting = threading.Thread(target=lambda: seen.append(_wait_for_timeout(pool)))
        waiting.start()
        assert wait_until(lambda: read_value(telemetry.POOL_PENDING, pool=pool.name) == 1, 5)
        waiting.join(10)
    assert len(seen) == 1
    assert 0.5 <= seen[0] < 0.5 + SLACK_S
    assert count_timeouts(pool) == 1
    assert read_value(telemetry.POOL_PENDING, pool=pool.name) == 0
    assert len(take_all(pool)) == 2


def _wait_for_timeout(pool: Pool) -> float:
    started = time.monotonic()
    with pytest.raises(PoolTimeout, match="became free"), pool.autocommit("late"):
        pass
    return time.monotonic() - started


def test_a_caller_that_waits_gets_what_comes_back(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=1, timeout_s=20)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda number: ask(pool, "SELECT %s FROM pg_sleep(0.01)", (number,)), range(100)))
    assert answers == list(range(100))
    assert count_timeouts(pool) == 0
    assert (count(pool, "used"), count(pool, "idle")) == (0, 1)


def test_a_frozen_server_costs_its_deadline_and_one_connection(
    make_pool: OpenPool, own_postgres: PostgresServer
) -> None:
    pool = make_pool(own_postgres.url, size=2, statement_s=1)
    before = take_all(pool)
    own_postgres.freeze()
    try:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            ask(pool)
        assert time.monotonic() - started < 1 + CLIENT_GRACE_S + SLACK_S
        assert count_closed(pool, "deadline") == 1
        assert (count(pool, "used"), count(pool, "idle")) == (0, 1)
    finally:
        own_postgres.thaw()
    assert ask(pool) == 1
    after = take_all(pool)
    assert len(after) == 2
    assert len(before & after) == 1


def test_a_server_that_freezes_inside_a_transaction(make_pool: OpenPool, own_postgres: PostgresServer) -> None:
    pool = make_pool(own_postgres.url, size=1, statement_s=1)
    try:
        started = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            fail_in_transaction(pool, "SELECT 1", own_postgres.freeze)
        assert time.monotonic() - started < 1 + CLIENT_GRACE_S + SLACK_S
    finally:
        own_postgres.thaw()
    assert ask(pool) == 1
    assert count_closed(pool, "deadline") == 1


def test_a_backend_killed_while_idle_is_not_handed_out(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=1)
    backend = ask(pool, "SELECT pg_backend_pid()")
    assert execute_as(database_url, "SELECT pg_terminate_backend(%s, 5000)", backend)
    assert ask(pool, "SELECT pg_backend_pid()") != backend
    assert count_closed(pool, "broken") == 1
    assert (count(pool, "used"), count(pool, "idle")) == (0, 1)


def test_a_backend_killed_in_a_query(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=1, timeout_s=10, statement_s=30)
    backend = ask(pool, "SELECT pg_backend_pid()")
    with ThreadPoolExecutor(1) as threads:
        query = threads.submit(ask, pool, "SELECT pg_sleep(25)")
        active = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        assert wait_until(lambda: execute_as(database_url, active, backend) == 1, 10)
        execute_as(database_url, "SELECT pg_terminate_backend(%s, 5000)", backend)
        with pytest.raises(StoreUnavailable):
            query.result(10)
    assert count_closed(pool, "broken") == 1
    assert ask(pool) == 1


@pytest.mark.parametrize("how", ["restart", "kill9"])
def test_a_restarted_server_needs_no_restart_of_ours(
    make_pool: OpenPool, own_postgres: PostgresServer, how: str
) -> None:
    pool = make_pool(own_postgres.url, size=2)
    before = take_all(pool)
    if how == "kill9":
        own_postgres.kill9()
        with pytest.raises(StoreUnavailable):
            ask(pool)
        own_postgres.start()
    else:
        own_postgres.restart()
    assert ask(pool) == 1
    assert not take_all(pool) & before
    assert count_closed(pool, "broken") == 2


def test_an_exception_rolls_back_and_a_statement_that_was_cut_short_too(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=1, statement_s=0.5)
    ask(pool, "CREATE TABLE marks (n integer); SELECT 1")
    backend = ask(pool, "SELECT pg_backend_pid()")
    with pytest.raises(ZeroDivisionError):
        fail_in_transaction(pool, "INSERT INTO marks VALUES (1)")
    with pytest.raises(StoreUnavailable, match="57014"):
        fail_in_transaction(pool, "INSERT INTO marks SELECT 2 FROM pg_sleep(5)")
    with pool.transaction("test") as cursor:
        cursor.execute("INSERT INTO marks VALUES (3)")
    assert ask(pool, "SELECT array_agg(n) FROM marks") == [3]
    assert ask(pool, "SELECT pg_backend_pid()") == backend, "a healthy connection was thrown away"


def test_nothing_leaks_after_two_hundred_failures_of_every_kind(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=4, timeout_s=0.2, statement_s=0.3)
    terminate = "SELECT pg_terminate_backend(pg_backend_pid())"
    kinds = {
        "data": "SELECT 'x'::integer",
        "syntax": "SELEKT",
        "slow": "SELECT pg_sleep(1)",
        "killed": terminate,
        "fine": "SELECT 1",
    }
    choice = random.Random(20)
    plan = [(choice.choice(list(kinds)), choice.choice(("autocommit", "transaction"))) for _ in range(200)]
    found: list[str] = []

    def run(step: tuple[str, str]) -> None:
        kind, block = step
        try:
            with getattr(pool, block)(kind) as cursor:
                cursor.execute(kinds[kind])
                if kind == "fine":
                    raise ArithmeticError
        except (PalmonasError, ArithmeticError) as error:
            found.append(type(error).__name__)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(run, plan))
    assert len(found) == 200
    assert {"StoreRejected", "StoreUnavailable", "ArithmeticError"} <= set(found)
    assert (count(pool, "used"), read_value(telemetry.POOL_PENDING, pool=pool.name)) == (0, 0)
    assert len(take_all(pool)) == 4
    assert count(pool, "idle") == 4
    mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    assert wait_until(lambda: execute_as(database_url, mine, f"palmonas {pool.name}") == 4, 5)


def test_the_metrics_tell_what_happened(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=3)
    assert read_value(telemetry.POOL_MAX, pool=pool.name) == 3
    with pool.autocommit("outer"):
        with pool.transaction("inner"):
            assert (count(pool, "used"), count(pool, "idle")) == (2, 0)
        assert (count(pool, "used"), count(pool, "idle")) == (1, 1)
    assert (count(pool, "used"), count(pool, "idle")) == (0, 2)
    ask(pool, "SELECT pg_sleep(0.2)")
    assert read_value(telemetry.POOL_CREATE_SECONDS, "_count", pool=pool.name) == 2
    assert read_value(telemetry.POOL_WAIT_SECONDS, "_count", pool=pool.name) == 3
    for route in ("outer", "inner", "test"):
        assert read_value(telemetry.POOL_USE_SECONDS, "_count", pool=pool.name, route=route) == 1
    assert 0.2 <= read_value(telemetry.POOL_USE_SECONDS, "_sum", pool=pool.name, route="test") < 0.2 + SLACK_S
    pool.close()
    assert count_closed(pool, "shutdown") == 2
    assert count(pool, "idle") == 0


def test_a_connection_that_is_too_old_is_replaced(
    make_pool: OpenPool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(database_url, size=1)
    backend = ask(pool, "SELECT pg_backend_pid()")
    monkeypatch.setattr("app.store.pool.MAX_AGE_S", 0.0)
    assert ask(pool, "SELECT pg_backend_pid()") != backend
    assert count_closed(pool, "expired") == 1


def test_close_ends_what_is_idle_now_and_what_comes_back_later(make_pool: OpenPool, database_url: str) -> None:
    pool = make_pool(database_url, size=2)
    take_all(pool)
    with pool.autocommit("last") as cursor:
        pool.close()
        assert count_closed(pool, "shutdown") == 1
        cursor.execute("SELECT 1")
    assert count_closed(pool, "shutdown") == 2
    with pytest.raises(StoreUnavailable, match="shutting down"):
        ask(pool)
    mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    assert wait_until(lambda: execute_as(database_url, mine, f"palmonas {pool.name}") == 0, 5)
