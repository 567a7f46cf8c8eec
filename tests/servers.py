"""Real servers for tests, in directories their own user can reach (under root, pytest's are closed to it)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import redis

from stack.processes import give_to_server_user
from stack.replica import PostgresReplica
from stack.servers import PostgresServer, RedisServer

TEMPLATE = "palmonas_template"


@contextmanager
def make_server_directory() -> Iterator[Path]:
    """A new private directory that the servers' user owns; removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="palmonas-test-"))
    give_to_server_user(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def run_postgres() -> Iterator[PostgresServer]:
    with make_server_directory() as directory:
        server = PostgresServer(directory / "postgresql", sync=False)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def run_pair() -> Iterator[tuple[PostgresServer, PostgresReplica]]:
    """A migrated primary and its streaming replica; both may be broken."""
    with run_postgres() as primary, make_server_directory() as directory:
        migrate(primary.url)
        replica = PostgresReplica(directory / "replica", primary)
        try:
            replica.start()
            yield primary, replica
        finally:
            replica.stop()


@contextmanager
def run_redis() -> Iterator[RedisServer]:
    with make_server_directory() as directory:
        server = RedisServer(directory / "redis")
        try:
            server.start()
            yield server
        finally:
            server.stop()


def empty_redis(server: RedisServer) -> None:
    client = redis.Redis.from_url(server.url)
    client.flushall()
    client.close()


def execute_admin(server: PostgresServer, *statements: str) -> None:
    """Run statements as superuser, each in its own transaction."""
    connection = psycopg2.connect(server.admin_url, connect_timeout=10)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def ask_admin(server: PostgresServer, statement: str) -> Any:
    """The first value that a statement gives, asked as superuser."""
    with closing(psycopg2.connect(server.admin_url, connect_timeout=10)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def migrate(database_url: str) -> None:
    from app.store.migrate import upgrade

    upgrade(database_url)


def make_template(server: PostgresServer) -> str:
    """A migrated database that each test's own database is copied from. Returns its name."""
    execute_admin(server, f"CREATE DATABASE {TEMPLATE} OWNER palmonas")
    migrate(server.make_url(TEMPLATE))
    return TEMPLATE


@contextmanager
def copy_database(server: PostgresServer, name: str) -> Iterator[str]:
    """The URL of database `name`, a copy of the template; dropped afterwards, open connections or not."""
    execute_admin(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER palmonas")
    try:
        yield server.make_url(name)
    finally:
        execute_admin(server, f"DROP DATABASE {name} WITH (FORCE)")
