"""redis-py's blocking pool, with the same metrics as the PostgreSQL pool."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import BlockingConnectionPool, Connection, SSLConnection
from redis.retry import Retry
from redis.sentinel import Sentinel

from app import telemetry
from app.setting_values import RedisPlace


class _MeasuredConnect:
    """Observes opening and closing; both are also called on connections that are open, or closed, already."""

    is_connected: bool
    pool_name = "redis"
    closing_reason = "broken"

    def connect(self) -> None:
        opening = not self.is_connected
        started = time.perf_counter()
        super().connect()  # type: ignore[misc]  # redis-py's, next in the method order
        if opening:
            telemetry.POOL_CREATE_SECONDS.labels(self.pool_name).observe(time.perf_counter() - started)

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        if self.is_connected:
            telemetry.POOL_CLOSED.labels(self.pool_name, self.closing_reason).inc()
        super().disconnect(*args, **kwargs)  # type: ignore[misc]


class MeasuredConnection(_MeasuredConnect, Connection):
    pass


class MeasuredSSLConnection(_MeasuredConnect, SSLConnection):
    pass


class _FollowsMaster:
    """Asks the Sentinels for the master each time it opens, and leaves one that has been made a replica."""

    is_connected: bool
    host: str
    port: int
    find_master: Callable[[], tuple[str, int]]

    def connect(self) -> None:
        if not self.is_connected:
            self.host, self.port = self.find_master()
        super().connect()  # type: ignore[misc]  # redis-py's, next in the method order

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]  # it is mixed into redis-py's
        except redis.ReadOnlyError as error:
            self.disconnect()  # type: ignore[attr-defined]  # as above
            raise redis.ConnectionError("this Redis is a replica now; the master is asked for again") from error


class MeasuredConnectionPool(BlockingConnectionPool):
    """At most `max_connections`; a caller waits up to `timeout` seconds for one. `pool_name` is the metric label.

    `find_master` tells host and port of the master; without it they are those of the URL.
    """

    def __init__(
        self,
        *args: Any,
        pool_name: str = "redis",
        find_master: Callable[[], tuple[str, int]] | None = None,
        **kwargs: Any,
    ) -> None:
        self._name = pool_name
        self._pending = 0
        self._taken_at: dict[int, float] = {}
        self._wait_seconds = telemetry.POOL_WAIT_SECONDS.labels(pool_name)
        self._use_seconds = telemetry.POOL_USE_SECONDS.labels(pool_name, "command")
        self._timeouts = telemetry.POOL_TIMEOUTS.labels(pool_name)
        telemetry.POOL_CREATE_SECONDS.labels(pool_name)
        for reason in ("broken", "shutdown"):
            telemetry.POOL_CLOSED.labels(pool_name, reason)
        measured = MeasuredSSLConnection if kwargs.get("connection_class") is SSLConnection else MeasuredConnection
        members: dict[str, Any] = {"pool_name": pool_name}
        parents: tuple[type, ...] = (measured,)
        if find_master:
            members["find_master"] = staticmethod(find_master)
            parents = (_MeasuredConnect, _FollowsMaster, *measured.__bases__[1:])
        kwargs["connection_class"] = type(measured.__name__, parents, members)
        super().__init__(*args, **kwargs)
        telemetry.POOL_MAX.labels(pool_name).set(self.max_connections)
        telemetry.POOL_COUNT.labels(pool_name, "used").set_function(lambda: len(self._taken_at))
        telemetry.POOL_COUNT.labels(pool_name, "idle").set_function(self._count_idle)
        telemetry.POOL_PENDING.labels(pool_name).set_function(lambda: self._pending)

    def _count_idle(self) -> int:
        """Connections in the pool that have a socket; the pool is first filled with empty places."""
        return sum(1 for one in list(self.pool.queue) if one is not None and one.is_connected)

    def get_connection(self, command_name: str | None = None, *keys: Any, **options: Any) -> Any:
        """Raises redis.ConnectionError when none is free in time or the server cannot be reached."""
        self._pending += 1
        started = time.perf_counter()
        full = self.pool.empty()
        try:
            connection = super().get_connection()
        except redis.ConnectionError:
            if full and time.perf_counter() - started >= self.timeout:
                self._timeouts.inc()
            raise
        finally:
            self._pending -= 1
        now = time.perf_counter()
        self._wait_seconds.observe(now - started)
        self._taken_at[id(connection)] = now
        return connection

    def release(self, connection: Any) -> None:
        taken_at = self._taken_at.pop(id(connection), None)
        if taken_at is not None:
            self._use_seconds.observe(time.perf_counter() - taken_at)
        super().release(connection)

    def disconnect(self, inuse_connections: bool = True) -> None:
        """Close what is open: for shutdown."""
        self.connection_class.closing_reason = "shutdown"
        super().disconnect(inuse_connections)


def ask_sentinels(place: RedisPlace, timeout_s: float) -> Callable[[], tuple[str, int]]:
    """What asks one Sentinel after the other for the master. It raises redis.ConnectionError when none knows one."""
    addresses = [one.rpartition(":") for one in place.sentinels]
    sentinel = Sentinel(
        [(host.strip("[]"), int(port)) for host, _, port in addresses],
        sentinel_kwargs={
            "password": unquote(urlsplit(place.url).password or ""),
            "ssl": place.url.startswith("rediss:"),
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "retry": Retry(NoBackoff(), 0),
        },
    )

    def find_master() -> tuple[str, int]:
        host, port = sentinel.discover_master(place.master)
        return str(host), int(port)

    return find_master
