"""Real PostgreSQL and Redis servers in a private directory: for the stack, and for the tests.

Both listen on 127.0.0.1 only and ask for a random password. Started by root they run as an unprivileged user,
so their directory must be below directories that user may pass through.
"""

from __future__ import annotations

import math
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg2
import redis
from psycopg2 import sql
from psycopg2.extensions import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.errors import StoreUnavailable, UsageError
from stack.binaries import find_postgres, find_redis
from stack.processes import give_to_server_user, run_as_server_user
from stack.server import Server

INITDB_DEADLINE_S = 120.0
HOST = "127.0.0.1"


def read_or_make_password(path: Path) -> str:
    """The password kept in `path` (mode 0600), made on first use."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text(encoding="ascii").strip()


def connect_for(deadline_s: float, url: str) -> Any:
    """A connection whose whole life must be over within `deadline_s` seconds.

    Where the service's store is imported, psycopg2 waits by the connection's `deadline` and raises
    StoreUnavailable; elsewhere libpq bounds the connect.
    """
    factory = type("ShortConnection", (connection,), {"deadline": time.monotonic() + deadline_s})
    return psycopg2.connect(url, connection_factory=factory, connect_timeout=math.ceil(deadline_s))


class PostgresServer(Server):
    """PostgreSQL with scram-sha-256; fsync stays on. `sync=False` only makes initdb itself faster (tests)."""

    name = "postgresql"
    database = "palmonas"

    def __init__(
        self, directory: Path, port: int | None = None, *, max_connections: int = 100, sync: bool = True
    ) -> None:
        super().__init__(directory, port)
        self.max_connections = max_connections
        self._sync = sync
        major = self._read_major()
        program = find_postgres(major)
        if program is None and major is not None:
            raise UsageError(
                f"the data in {self.data} are PostgreSQL {major}'s, which is not installed: "
                f"install it, or delete {self.directory} to start empty"
            )
        if program is None:
            raise UsageError(
                "PostgreSQL 15 or newer was not found: install Debian's postgresql package, or run: make embedded"
            )
        self.program = program.path

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def _read_major(self) -> int | None:
        """The version that wrote the data; None before the first start."""
        path = self.data / "PG_VERSION"
        return int(path.read_text(encoding="ascii")) if path.exists() else None

    @property
    def stop_signal(self) -> signal.Signals:
        return signal.SIGINT  # "fast": end the sessions, write a checkpoint

    @property
    def url(self) -> str:
        """Database `palmonas` as the service's own role: its owner, may create databases, no superuser."""
        return self.make_url(self.database, "palmonas")

    @property
    def admin_url(self) -> str:
        return self.make_url("postgres", "postgres")

    @property
    def monitor_url(self) -> str:
        """The role of postgres_exporter: pg_monitor and nothing else."""
        return self.make_url(self.database, "palmonas_monitor")

    def make_url(self, database: str, role: str = "palmonas") -> str:
        password = read_or_make_password(self.directory / f"{role}.password")
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        if self._read_major() is not None:
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        password_file = self.directory / "postgres.password"
        read_or_make_password(password_file)
        give_to_server_user(self.directory)
        arguments = [
            *("--pgdata", str(self.data), "--username=postgres", "--encoding=UTF8", "--locale=C"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--data-checksums"),
            *([] if self._sync else ["--no-sync"]),
        ]
        done = subprocess.run(
            [str(self.program.parent / "initdb"), *arguments],
            capture_output=True,
            text=True,
            timeout=INITDB_DEADLINE_S,
            cwd=self.directory,
            check=False,
            **run_as_server_user(),  # type: ignore[call-overload]  # a dict of user, group, extra_groups
        )
        if done.returncode != 0:
            raise UsageError(f"initdb failed in {self.directory}:\n{done.stderr.strip()}")

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            # A replica that is away for longer than this lasts is copied anew; without it, the disk would fill.
            "max_slot_wal_keep_size": "2GB",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        pairs = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.program), "-D", str(self.data), *pairs]

    def answers(self) -> bool:
        try:
            connect_for(2.0, self.admin_url).close()
        except (psycopg2.OperationalError, StoreUnavailable):
            return False
        return True

    def start(self) -> None:
        super().start()
        self.provision()

    def provision(self) -> None:
        """Create our roles and database where they are missing. The server must be running."""
        roles = {
            "palmonas": sql.SQL("CREATEDB"),
            "palmonas_monitor": sql.SQL("IN ROLE pg_monitor"),
            "palmonas_replica": sql.SQL("REPLICATION"),
        }
        session = connect_for(30.0, self.admin_url)
        session.autocommit = True
        with session.cursor() as cursor:
            for role, options in roles.items():
                password = read_or_make_password(self.directory / f"{role}.password")
                cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
                if cursor.fetchone() is None:
                    statement = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}")
                    cursor.execute(statement.format(sql.Identifier(role), options, sql.Literal(password)))
            # postgres_exporter asks for the size of each table: one that is locked must not hang the whole scrape.
            cursor.execute("ALTER ROLE palmonas_monitor SET lock_timeout = '500ms'")
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (self.database,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {self.database} OWNER palmonas")
        session.close()


class RedisServer(Server):
    """Redis (or Valkey) without persistence: PostgreSQL is the truth, Redis may be lost at any time."""

    name = "redis"

    def __init__(self, directory: Path, port: int | None = None) -> None:
        super().__init__(directory, port)
        program = find_redis()
        if program is None:
            raise UsageError(
                "Redis 6.2 or newer (or Valkey) was not found: install Debian's redis-server package, "
                "or run: make embedded"
            )
        self.program = program.path

    @property
    def password(self) -> str:
        return read_or_make_password(self.directory / "redis.password")

    @property
    def url(self) -> str:
        return f"redis://default:{self.password}@{HOST}:{self.port}/0"

    def settings(self) -> dict[str, object]:
        return {
            "bind": HOST,
            "port": self.port,
            "requirepass": self.password,
            "appendonly": "no",
            "save": '""',
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "dir": self.directory,
        }

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        path = self.directory / "redis.conf"
        path.write_text("".join(f"{name} {value}\n" for name, value in self.settings().items()), encoding="utf-8")
        path.chmod(0o600)
        give_to_server_user(self.directory)

    def command(self) -> list[str]:
        return [str(self.program), str(self.directory / "redis.conf")]

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
