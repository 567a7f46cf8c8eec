"""The health checks that every process shares, and the watch over the schema that makes it ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import redis

from app.config import Config
from app.errors import PalmonasError
from app.health import Check, CheckFailed, Readiness
from app.queue import connect
from app.store.pool import Pool
from app.store.schema import expected_version, read_version


def check_postgresql(pool: Pool) -> Check:
    """Connect (or reuse the reserved connection) and query."""

    def check() -> Mapping[str, Any]:
        with pool.autocommit("health") as cursor:
            cursor.execute("SELECT 1")
        return {}

    return check


def check_redis(client: redis.Redis) -> Check:
    """Ping, and how much of its memory is used."""

    def check() -> Mapping[str, Any]:
        client.ping()
        memory: Any = client.info("memory")
        return {"used_memory_bytes": memory["used_memory"], "maxmemory_bytes": memory["maxmemory"]}

    return check


def check_age(what: str, read_age: Callable[[], float], limit_s: float) -> Check:
    """Fails when something that happens again and again has not happened for `limit_s` seconds."""

    def check() -> Mapping[str, Any]:
        age = read_age()
        if age > limit_s:
            raise CheckFailed(f"last {what} {age:.0f} s ago, expected within {limit_s:.0f} s")
        return {"age_seconds": round(age, 1)}

    return check


def seconds_since(moment: datetime | None, started: float) -> float:
    """Age of an RQ time stamp; before the first one, the time since `started` (monotonic)."""
    if moment is None:
        return time.monotonic() - started
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (datetime.now(UTC) - aware).total_seconds()


def open_reserved_pool(config: Config) -> Pool:
    """One connection for health checks, so that a full pool is not mistaken for a server that is down."""
    return Pool(
        config.database_url,
        name="health",
        size=1,
        timeout_s=0.5,
        connect_timeout_s=0.7,
        statement_timeout_s=0.5,
    )


def base_checks(config: Config, reserved: Pool) -> dict[str, Check]:
    """PostgreSQL through its reserved connection, and Redis through reserved ones of its own."""
    client = connect(config.redis_place, name="redis-health", size=2, timeout_s=0.5, connect_timeout_s=0.5)
    return {"postgresql": check_postgresql(reserved), "redis": check_redis(client)}


def start_schema_watch(pool: Pool, readiness: Readiness) -> None:
    """Become ready once the schema is at least what this code was written for; looks every second until then."""
    threading.Thread(target=_await_schema, args=(pool, readiness), name="schema", daemon=True).start()


def _await_schema(pool: Pool, readiness: Readiness) -> None:
    wanted = expected_version()
    while True:
        try:
            found = read_version(pool)
        except PalmonasError:
            readiness.set_waiting("starting: PostgreSQL does not answer")
        else:
            if found is not None and found >= wanted:
                readiness.set_ready()
                return
            readiness.set_waiting(f"schema is {found or 'empty'}, {wanted} is needed; run: palmonas migrate")
        time.sleep(1.0)
