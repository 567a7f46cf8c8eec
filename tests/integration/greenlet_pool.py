"""The pool under gevent: a program of its own, run by `python -m gevent.monkey --module`. Prints JSON.

The argument is the URL of a database whose backends this user may stop.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.server import StreamServer

from app import telemetry
from app.errors import PoolTimeout, StoreUnavailable
from app.store.pool import Pool
from tests.metrics import read_value

URL = sys.argv[1]


def open_pool(name: str, size: int, timeout_s: float = 2.0, connect_s: float = 2.0, url: str = URL) -> Pool:
    return Pool(url, name=name, size=size, timeout_s=timeout_s, connect_timeout_s=connect_s, statement_timeout_s=20)


def sleep_in_server(pool: Pool, seconds: float) -> int:
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT pg_backend_pid() FROM pg_sleep(%s)", (seconds,))
        return int(cursor.fetchone()[0])


def read_state(pool: Pool) -> dict[str, float]:
    return {
        "used": read_value(telemetry.POOL_COUNT, pool=pool.name, state="used"),
        "idle": read_value(telemetry.POOL_COUNT, pool=pool.name, state="idle"),
        "pending": read_value(telemetry.POOL_PENDING, pool=pool.name),
        "broken": read_value(telemetry.POOL_CLOSED, "_total", pool=pool.name, reason="broken"),
        "timeouts": read_value(telemetry.POOL_TIMEOUTS, "_total", pool=pool.name),
    }


def count_free(pool: Pool) -> int:
    """How many connections can be held and used at the same moment."""
    greenlets = [gevent.spawn(sleep_in_server, pool, 0.5) for _ in range(pool.size)]
    gevent.joinall(greenlets, timeout=15)
    return len({one.value for one in greenlets if one.successful()})


def kill_in_a_query() -> dict[str, Any]:
    pool, watcher = open_pool("killed", 2), open_pool("watcher", 1)
    victim = gevent.spawn(sleep_in_server, pool, 15)
    gevent.sleep(1)
    backends = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'palmonas killed'"
    before = _ask(watcher, backends)
    started = time.monotonic()
    victim.kill(timeout=5)
    seconds = time.monotonic() - started
    state, free = read_state(pool), count_free(pool)
    gevent.sleep(2)  # the server notices within its client_connection_check_interval of 1 s
    return {"before": before, "seconds": seconds, "free": free, "after": _ask(watcher, backends), **state}


def kill_while_waiting() -> dict[str, Any]:
    pool = open_pool("waiting", 1, timeout_s=10)
    holder = gevent.spawn(sleep_in_server, pool, 1.5)
    gevent.sleep(0.3)
    waiters = [gevent.spawn(sleep_in_server, pool, 0) for _ in range(5)]
    gevent.sleep(0.2)
    pending = read_state(pool)["pending"]
    gevent.killall(waiters[:3], timeout=5)
    gevent.joinall([holder, *waiters], timeout=10)
    return {
        "pending_before": pending,
        "finished": sum(isinstance(one.value, int) for one in waiters),
        **read_state(pool),
    }


def kill_while_rolling_back() -> dict[str, Any]:
    """The worst moment: the block has failed, the backend is frozen, and the ROLLBACK's wait is killed."""
    pool, backends = open_pool("rollback", 1), []

    def fail_on_a_frozen_server() -> None:
        with pool.transaction("test") as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backends.append(cursor.fetchone()[0])
            os.kill(backends[0], signal.SIGSTOP)
            raise ArithmeticError

    victim = gevent.spawn(fail_on_a_frozen_server)
    gevent.sleep(1)
    try:
        victim.kill(timeout=5)
    finally:
        os.kill(backends[0], signal.SIGCONT)
    return {"free": count_free(pool), **read_state(pool)}


def share_five_among_fifty() -> dict[str, Any]:
    pool = open_pool("shared", 5, timeout_s=30)
    greenlets = [gevent.spawn(sleep_in_server, pool, 0.05) for _ in range(50)]
    gevent.joinall(greenlets, timeout=40)
    done = [one.value for one in greenlets if one.successful()]
    return {"finished": len(done), "backends": len(set(done)), **read_state(pool)}


def exhaust() -> dict[str, Any]:
    pool = open_pool("exhausted", 1, timeout_s=0.5)
    holder = gevent.spawn(sleep_in_server, pool, 4)
    gevent.sleep(0.3)
    waits: list[float] = []

    def wait() -> None:
        started = time.monotonic()
        try:
            sleep_in_server(pool, 0)
        except PoolTimeout:
            waits.append(time.monotonic() - started)

    gevent.joinall([gevent.spawn(wait) for _ in range(10)], timeout=20)
    holder.join(10)
    return {"waits": len(waits), "longest": max(waits), "free": count_free(pool), **read_state(pool)}


def tick_while(work: Callable[[], Any]) -> dict[str, Any]:
    """The longest pause of a greenlet that wants to run every 10 ms while `work` goes on, and the time of `work`."""
    longest = 0.0

    def tick() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            gevent.sleep(0.01)
            longest = max(longest, time.monotonic() - before)

    ticker = gevent.spawn(tick)
    gevent.sleep(0.05)
    started = time.monotonic()
    result = work()
    seconds = time.monotonic() - started
    gevent.sleep(0.05)
    ticker.kill()
    return {"longest_pause": longest, "seconds": seconds, "result": result}


def connect_to_silence() -> str:
    server = StreamServer(("127.0.0.1", 0), lambda connection, _address: gevent.sleep(30))
    server.start()
    url = f"postgresql://somebody:a-password-of-nothing@127.0.0.1:{server.server_port}/none"
    try:
        sleep_in_server(open_pool("silent", 1, connect_s=1.5, url=url), 0)
    except StoreUnavailable as error:
        return type(error).__name__
    finally:
        server.stop(timeout=0)
    return "answered"


def _ask(pool: Pool, statement: str) -> int:
    with pool.autocommit("test") as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def main() -> None:
    pool = open_pool("ticking", 1)
    results = {
        "killed in a query": kill_in_a_query(),
        "killed while waiting": kill_while_waiting(),
        "fifty": share_five_among_fifty(),
        "exhausted": exhaust(),
        "query": tick_while(lambda: sleep_in_server(pool, 1.5)),
        "connect": tick_while(connect_to_silence),
        "killed while rolling back": kill_while_rolling_back(),
    }
    json.dump(results, sys.stdout)


main()
