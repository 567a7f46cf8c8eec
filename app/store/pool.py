"""The PostgreSQL connection pool: small, bounded, measured.

A caller waits on a semaphore with a deadline (`psycopg2.pool` raises at once when it is exhausted, and holds its
lock while it connects, so that one slow connect blocks every return). Connections are opened outside of any
lock. Whatever happens to a caller, an exception, a deadline or the kill of its greenlet, its slot comes back.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from app import telemetry
from app.errors import PoolTimeout, StoreUnavailable
from app.store.connection import TimedConnection, TimedCursor, has_pending_input

MAX_AGE_S = 1800.0  # so that a failover or a changed DNS name is followed within half an hour
CLIENT_GRACE_S = 0.5  # the server's own statement_timeout speaks first; ours is for a server that cannot

Cursor = Any  # psycopg2's cursor, tuple rows


class Pool:
    """At most `size` connections to `url`, shared by the greenlets or threads of one process.

    Times are seconds. `name` is the metric label. Raises PoolTimeout when no connection becomes free within
    `timeout_s`, StoreUnavailable when PostgreSQL does not answer within its deadline, StoreRejected when it
    refuses the data.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        size: int,
        timeout_s: float,
        connect_timeout_s: float,
        statement_timeout_s: float,
    ) -> None:
        self.name = name
        self.size = size
        self._url = url
        self._timeout_s = timeout_s
        self._slots = threading.BoundedSemaphore(size)
        self._idle: deque[TimedConnection] = deque()
        self._used = 0
        self._pending = 0
        self._closed = False
        self._factory = type(
            "PoolConnection",
            (TimedConnection,),
            {
                "connect_timeout_s": connect_timeout_s,
                "statement_timeout_s": statement_timeout_s + CLIENT_GRACE_S,
            },
        )
        milliseconds = int(statement_timeout_s * 1000)
        self._options = (
            f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
            " -c idle_in_transaction_session_timeout=15000 -c client_connection_check_interval=1000"
            # 2xx means stored: never inherit a server default that acknowledges before the disk does
            " -c synchronous_commit=on -c timezone=UTC"
            # a notice is then a warning, and no statement of ours is one to be warned of: see TimedCursor
            " -c client_min_messages=warning"
        )
        self._bind_metrics()

    def _bind_metrics(self) -> None:
        telemetry.POOL_MAX.labels(self.name).set(self.size)
        telemetry.POOL_COUNT.labels(self.name, "idle").set_function(lambda: len(self._idle))
        telemetry.POOL_COUNT.labels(self.name, "used").set_function(lambda: self._used)
        telemetry.POOL_PENDING.labels(self.name).set_function(lambda: self._pending)
        self._timeouts = telemetry.POOL_TIMEOUTS.labels(self.name)
        self._create_seconds = telemetry.POOL_CREATE_SECONDS.labels(self.name)
        self._wait_seconds = telemetry.POOL_WAIT_SECONDS.labels(self.name)
        self._use_seconds: dict[str, Any] = {}
        self._closings = {
            reason: telemetry.POOL_CLOSED.labels(self.name, reason)
            for reason in ("broken", "deadline", "expired", "shutdown")
        }

    @contextmanager
    def transaction(self, route: str) -> Iterator[Cursor]:
        """A cursor inside BEGIN .. COMMIT; rolled back when the block raises. `route` labels the use time."""
        with self._connection(route) as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("COMMIT")

    @contextmanager
    def autocommit(self, route: str) -> Iterator[Cursor]:
        """A cursor whose every statement is its own transaction: one round trip where `transaction` has three."""
        with self._connection(route) as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def _connection(self, route: str) -> Iterator[TimedConnection]:
        self._take_slot()
        self._used += 1
        started = time.perf_counter()
        connection: TimedConnection | None = None
        try:
            connection = self._open()
            yield connection
        finally:
            try:
                if connection is not None:
                    self._put_back(connection)
            finally:  # also when the greenlet is killed while it rolls back
                self._used -= 1
                self._slots.release()
                self._observe_use(route, time.perf_counter() - started)

    def _take_slot(self) -> None:
        if self._closed:
            raise StoreUnavailable("the process is shutting down")
        if self._slots.acquire(blocking=False):
            self._wait_seconds.observe(0)
            return
        self._pending += 1
        started = time.perf_counter()
        try:
            taken = self._slots.acquire(timeout=self._timeout_s)
        finally:
            self._pending -= 1
        self._wait_seconds.observe(time.perf_counter() - started)
        if not taken:
            self._timeouts.inc()
            raise PoolTimeout(f"no connection of pool {self.name} became free within {self._timeout_s} s")

    def _open(self) -> TimedConnection:
        """An idle connection that is alive, or a new one."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if has_pending_input(connection):
                self._discard(connection, "broken")
            elif time.monotonic() - connection.opened_at > MAX_AGE_S:
                self._discard(connection, "expired")
            else:
                return connection
        return self._connect()

    def _connect(self) -> TimedConnection:
        started = time.perf_counter()
        try:
            connection: TimedConnection = psycopg2.connect(
                self._url,
                connection_factory=self._factory,
                cursor_factory=TimedCursor,
                options=self._options,
                application_name=f"palmonas {self.name}",
                **_resolve(self._url),
            )
        except (psycopg2.Error, OSError) as error:
            raise StoreUnavailable("PostgreSQL cannot be reached; see its log and `palmonas status`") from error
        connection.autocommit = True
        self._create_seconds.observe(time.perf_counter() - started)
        return connection

    def _put_back(self, connection: TimedConnection) -> None:
        """Keep a connection that is idle; end the transaction of one that is not; close what is in doubt."""
        if not connection.closed and connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            self._roll_back(connection)
        if connection.closed:
            overdue = time.monotonic() >= connection.deadline
            self._closings["deadline" if overdue else "broken"].inc()
        elif connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            self._discard(connection, "broken")
        elif self._closed:
            self._discard(connection, "shutdown")
        else:
            self._idle.append(connection)

    def _roll_back(self, connection: TimedConnection) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
        except StoreUnavailable:
            connection.close()
        except BaseException:  # the kill of a greenlet
            self._discard(connection, "broken")
            raise

    def _discard(self, connection: TimedConnection, reason: str) -> None:
        connection.close()
        self._closings[reason].inc()

    def _observe_use(self, route: str, seconds: float) -> None:
        child = self._use_seconds.get(route)
        if child is None:
            child = self._use_seconds[route] = telemetry.POOL_USE_SECONDS.labels(self.name, route)
        child.observe(seconds)

    def close(self) -> None:
        """Close what is idle now and whatever comes back later."""
        self._closed = True
        while self._idle:
            self._discard(self._idle.pop(), "shutdown")


def _resolve(url: str) -> dict[str, str]:
    """`hostaddr` for libpq, which would otherwise block the whole event loop in its own name resolution."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if host.startswith("/"):
        return {}
    found = socket.getaddrinfo(host, parts.port or 5432, type=socket.SOCK_STREAM)
    return {"hostaddr": str(found[0][4][0])}
