"""The servers that all other tests stand on: they start, ask for a password, break and come back."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis

from stack.processes import is_port_taken
from stack.servers import PostgresServer, RedisServer
from tests.servers import run_postgres


@pytest.fixture(scope="module")
def bare_postgres() -> Iterator[PostgresServer]:
    with run_postgres() as server:
        yield server


def read_setting(server: PostgresServer, name: str) -> str:
    with (
        closing(psycopg2.connect(server.url, connect_timeout=5)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT current_setting(%s)", (name,))
        row = cursor.fetchone()
    assert row
    return str(row[0])


def test_postgres_is_durable_private_and_not_root(bare_postgres: PostgresServer) -> None:
    settings = {name: read_setting(bare_postgres, name) for name in ("fsync", "max_connections", "listen_addresses")}
    assert settings == {"fsync": "on", "max_connections": "100", "listen_addresses": "127.0.0.1"}
    owner = pwd.getpwuid(Path(f"/proc/{bare_postgres.pid}").stat().st_uid).pw_name
    assert owner != "root"
    assert (bare_postgres.directory / "palmonas.password").stat().st_mode & 0o077 == 0


def test_postgres_asks_for_the_password(bare_postgres: PostgresServer) -> None:
    wrong = bare_postgres.url.replace("palmonas:", "palmonas:x", 1)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(wrong, connect_timeout=5)


def test_the_service_role_is_no_superuser(bare_postgres: PostgresServer) -> None:
    with closing(psycopg2.connect(bare_postgres.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)


def test_a_locked_table_does_not_hang_the_exporter(bare_postgres: PostgresServer) -> None:
    with (
        closing(psycopg2.connect(bare_postgres.url, connect_timeout=5)) as holder,
        closing(psycopg2.connect(bare_postgres.monitor_url, connect_timeout=5)) as exporter,
        holder.cursor() as locking,
        exporter.cursor() as asking,
    ):
        locking.execute("CREATE TABLE migrated ()")
        holder.commit()
        locking.execute("LOCK TABLE migrated IN ACCESS EXCLUSIVE MODE")
        asking.execute("SET statement_timeout = '20s'")  # the deadline of this test, not what is meant
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            asking.execute("SELECT pg_total_relation_size('migrated')")


def test_postgres_freezes_and_thaws(bare_postgres: PostgresServer) -> None:
    bare_postgres.freeze()
    started = time.monotonic()
    try:
        assert not bare_postgres.answers()
        assert time.monotonic() - started < 10
    finally:
        bare_postgres.thaw()
    assert bare_postgres.answers()


def test_postgres_comes_back_after_kill_with_its_data(bare_postgres: PostgresServer) -> None:
    port = bare_postgres.port
    with (
        closing(psycopg2.connect(bare_postgres.url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")
    bare_postgres.kill9()
    assert not is_port_taken(port)
    bare_postgres.start()
    assert bare_postgres.port == port
    with closing(psycopg2.connect(bare_postgres.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM kept")
        assert cursor.fetchall() == [(7,)]


def test_redis_keeps_nothing_and_asks_for_the_password(own_redis: RedisServer) -> None:
    client = redis.Redis.from_url(own_redis.url)
    assert client.config_get("maxmemory-policy", "appendonly") == {
        "maxmemory-policy": "noeviction",
        "appendonly": "no",
    }
    client.set("key", "value")
    client.close()
    stranger = redis.Redis(port=own_redis.port)
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()
    own_redis.restart()
    client = redis.Redis.from_url(own_redis.url)
    assert client.get("key") is None
    client.close()


def test_redis_freezes_thaws_and_is_killed(own_redis: RedisServer) -> None:
    pid = own_redis.pid
    own_redis.freeze()
    assert not own_redis.answers()
    own_redis.thaw()
    assert own_redis.answers()
    own_redis.kill9()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
