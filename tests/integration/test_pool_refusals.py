"""What every connection of the pool is told, which data cannot be stored, which servers cannot be reached."""

from __future__ import annotations

import itertools
import socket
import time
from typing import Any

import pytest

from app import telemetry
from app.errors import StoreRejected, StoreUnavailable
from app.store.inbox import NewDelivery, insert_deliveries
from app.store.pool import Pool
from tests.metrics import read_value

SLACK_S = 2.0
NAMES = itertools.count(1)


def open_pool(url: str, *, connect_timeout_s: float = 2.0) -> Pool:
    """A pool with metrics of its own; it never holds a connection here."""
    return Pool(
        url,
        name=f"unreachable-{next(NAMES)}",
        size=1,
        timeout_s=0.5,
        connect_timeout_s=connect_timeout_s,
        statement_timeout_s=5,
    )


def ask(pool: Pool, statement: str = "SELECT 1") -> Any:
    with pool.autocommit("test") as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_every_connection_has_the_settings_that_the_promise_rests_on(pool: Pool) -> None:
    for name, value in (
        ("statement_timeout", "5s"),
        ("lock_timeout", "5s"),
        ("synchronous_commit", "on"),
        ("TimeZone", "UTC"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("client_connection_check_interval", "1s"),
    ):
        assert ask(pool, f"SELECT current_setting('{name}')") == value


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT %s::integer", "no number"),
        ("SELECT %s::numeric(4, 2)", "12345"),
        ("SELECT %s::text", "a NUL \x00"),
        ("SELECT %s::text", "half a surrogate pair \ud800"),
        ("INSERT INTO api_tokens (name, role, token_hash) VALUES (%s, 'king', '')", "name"),
    ],
    ids=["text", "overflow", "nul", "surrogate", "constraint"],
)
def test_data_that_postgresql_cannot_take_is_rejected_once_and_for_all(pool: Pool, statement: str, value: str) -> None:
    backend = ask(pool, "SELECT pg_backend_pid()")
    for open_block in (pool.autocommit, pool.transaction):
        with pytest.raises(StoreRejected) as caught, open_block("test") as cursor:
            cursor.execute(statement, (value,))
        assert value not in str(caught.value)
    assert ask(pool, "SELECT pg_backend_pid()") == backend


@pytest.mark.parametrize("payload", ["a NUL \x00", "half a pair \ud800"])
def test_a_delivery_that_cannot_be_held_is_rejected(pool: Pool, payload: str) -> None:
    good = NewDelivery("shopify", "good", "orders/create", "request", "{}")
    bad = NewDelivery("shopify", "bad", "orders/create", "request", payload)
    with pytest.raises(StoreRejected):
        insert_deliveries(pool, [good, bad])
    assert ask(pool, "SELECT count(*) FROM inbox") == 0
    assert insert_deliveries(pool, [good]) == {("shopify", "good")}


def test_a_port_that_accepts_and_never_answers_costs_the_connect_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://somebody:a-password-of-nothing@127.0.0.1:{listener.getsockname()[1]}/none"
        pool = open_pool(url, connect_timeout_s=0.7)
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(StoreUnavailable) as caught:
                ask(pool)
            assert 0.5 <= time.monotonic() - started < 0.7 + SLACK_S
            assert "a-password-of-nothing" not in str(caught.value)
    for state in ("used", "idle"):
        assert read_value(telemetry.POOL_COUNT, pool=pool.name, state=state) == 0
    assert read_value(telemetry.POOL_CREATE_SECONDS, "_count", pool=pool.name) == 0


def test_a_port_where_nobody_listens_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    pool = open_pool(f"postgresql://somebody:a-password-of-nothing@127.0.0.1:{port}/none")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        ask(pool)


def test_a_host_that_does_not_exist_is_unavailable_too() -> None:
    pool = open_pool("postgresql://somebody:a-password-of-nothing@no-such-host.invalid:5432/none")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        ask(pool)
