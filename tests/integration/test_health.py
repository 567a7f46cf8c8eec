"""Health of real processes while their servers are away, frozen, empty or full."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
import requests

from app.store.tokens import create_token
from stack.processes import wait_until
from stack.servers import PostgresServer, RedisServer
from tests.integration.conftest import StartService, open_pool
from tests.servers import execute_admin
from tests.service import PALMONAS, Process, Service

PROMISE_S = 1.0  # what /health promises of itself
WALL_S = 2.0  # what a caller on a busy machine may see of it
CHECKS = {
    "api": {"postgresql", "redis", "api", "queues"},
    "worker-ingest": {"postgresql", "redis", "heartbeat"},
    "worker-tasks": {"postgresql", "redis", "heartbeat"},
    "worker-poll": {"postgresql", "redis", "heartbeat"},
    "worker-push": {"postgresql", "redis", "heartbeat"},
    "dispatcher": {"postgresql", "redis", "sweep"},
    "exporter": {"postgresql", "redis"},
}


def start_all(service: Service, **settings: str) -> Service:
    service.add_api(**settings)
    service.add_worker("ingest")
    service.add_worker("tasks")
    service.add_worker("poll")
    service.add_worker("push")
    service.add("dispatcher", "dispatcher")
    service.add("exporter", "exporter")
    return service.wait_ready()


def read_health(process: Process) -> tuple[int, dict[str, Any]]:
    """Status and report; fails when it took longer than promised or says more than it may."""
    started = time.monotonic()
    status, body = process.get("/health", timeout_s=10)
    wall = time.monotonic() - started
    report = json.loads(body)
    assert wall < WALL_S, (process.name, report)
    assert set(report["checks"]) == CHECKS[process.name]
    for name, check in report["checks"].items():
        # a check that hangs goes on after the answer, and a later answer tells of the same run
        assert check["seconds"] <= PROMISE_S or check["status"] == "failed", (process.name, name, check)
        assert check["status"] in ("ok", "failed")
        assert (check["status"] == "ok") == ("detail" not in check)
    healthy = all(check["status"] == "ok" for check in report["checks"].values())
    assert (status, report["status"]) == ((200, "ok") if healthy else (503, "degraded"))
    expect_nothing_private(body.decode())
    return status, report


def expect_nothing_private(text: str) -> None:
    assert "127.0.0.1" not in text
    assert "://" not in text
    assert "password" not in text
    assert not re.search(r"port|host", text)


def wait_for_health(process: Process, status: int, deadline_s: float = 40.0) -> dict[str, Any]:
    assert wait_until(lambda: read_health(process)[0] == status, deadline_s, 0.3), read_health(process)
    return read_health(process)[1]


@contextmanager
def frozen(server: PostgresServer | RedisServer) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def test_all_is_well_and_says_so(start_service: StartService, database_url: str, redis_url: str) -> None:
    service = start_all(start_service(database_url, redis_url))
    for process in service.processes:
        report = wait_for_health(process, 200)
        assert report["checks"]["redis"]["used_memory_bytes"] > 0
        assert process.get("/livez") == (200, b'{"status":"ok"}')
        assert process.get("/readyz") == (200, b'{"status":"ok"}')
        assert process.get("/nothing")[0] == 404
    api = service.processes[0]
    report = wait_for_health(api, 200)
    assert report["checks"]["queues"]["ingest"]["workers"] == 1
    assert set(report["checks"]["api"]) >= {"requests", "error_ratio", "mean_seconds", "in_flight"}
    for page in ("/livez", "/readyz", "/health"):
        answer = requests.get(f"http://127.0.0.1:{api.port}{page}", timeout=5)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("name", ["postgresql", "redis"])
def test_a_frozen_server_degrades_health_and_nothing_else(
    start_service: StartService, own_postgres: PostgresServer, own_redis: RedisServer, name: str
) -> None:
    service = start_all(start_service(own_postgres.url, own_redis.url))
    for process in service.processes:
        wait_for_health(process, 200)
    api = service.processes[0]
    with frozen({"postgresql": own_postgres, "redis": own_redis}[name]):
        for page, status in (("/health", 503), ("/readyz", 200), ("/livez", 200)):
            started = time.monotonic()
            assert requests.get(f"http://127.0.0.1:{api.port}{page}", timeout=10).status_code == status
            assert time.monotonic() - started < WALL_S
        for process in service.processes:
            for _ in range(3):
                status, report = read_health(process)
                assert status == 503
                assert report["checks"][name]["status"] == "failed"
            assert process.get("/readyz") == (200, b'{"status":"ok"}')
            assert process.get("/livez") == (200, b'{"status":"ok"}')
    for process in service.processes:
        wait_for_health(process, 200)


def test_servers_that_are_gone_degrade_health_and_nothing_else(
    start_service: StartService, own_postgres: PostgresServer, own_redis: RedisServer
) -> None:
    service = start_all(start_service(own_postgres.url, own_redis.url))
    own_postgres.stop()
    own_redis.stop()
    for process in service.processes:
        status, report = read_health(process)
        assert status == 503
        assert report["checks"]["postgresql"]["status"] == "failed"
        assert report["checks"]["redis"]["status"] == "failed"
        assert process.get("/readyz")[0] == 200
        assert process.get("/livez")[0] == 200
    own_postgres.start()
    own_redis.start()
    for process in service.processes:
        wait_for_health(process, 200)


def test_a_full_pool_is_not_a_server_that_is_down(
    start_service: StartService, database_url: str, redis_url: str
) -> None:
    service = start_service(database_url, redis_url, pool_max="2", pool_timeout_s="5", statement_timeout_s="20")
    api = start_all(service).processes[0]
    pool = open_pool(database_url, size=1)
    token = create_token(pool, "test", "viewer")
    pool.close()
    wait_for_health(api, 200)
    url = f"http://127.0.0.1:{api.port}"
    locker = psycopg2.connect(database_url)
    with ThreadPoolExecutor(8) as threads:
        try:
            locker.cursor().execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            headers = {"Authorization": f"Bearer {token}"}
            waiting = [threads.submit(requests.get, f"{url}/orders", headers=headers, timeout=30) for _ in range(8)]
            assert wait_until(_see_pool(api, "db_client_connection_pending_requests", 6), 10)
            assert _see_pool(api, "db_client_connection_count", 2, ',state="used"')()
            status, report = read_health(api)
            assert (status, report["checks"]["postgresql"]["status"]) == (200, "ok")
            started = time.monotonic()
            assert requests.get(f"{url}/health", timeout=10).status_code == 200
            assert time.monotonic() - started < WALL_S
        finally:
            locker.close()
        statuses = sorted(one.result(30).status_code for one in waiting)
    assert set(statuses) <= {200, 503}
    assert 200 in statuses


def _see_pool(api: Process, metric: str, value: int, label: str = "") -> Callable[[], bool]:
    line = f'{metric}{{pool="console"{label}}} {float(value)}'
    return lambda: line in api.get("/metrics")[1].decode()


def test_an_unmigrated_database_keeps_a_process_from_being_ready_until_it_is_migrated(
    start_service: StartService, postgres_server: PostgresServer, redis_url: str
) -> None:
    execute_admin(postgres_server, "CREATE DATABASE unmigrated OWNER palmonas")
    url = postgres_server.make_url("unmigrated")
    try:
        service = start_service(url, redis_url)
        service.add_api()
        service.add_worker("ingest")
        service.add("dispatcher", "dispatcher")
        for process in service.processes:
            assert wait_until(lambda one=process: b"palmonas migrate" in one.get("/readyz")[1], 60, 0.2), process.name
            status, body = process.get("/readyz")
            sentence = json.loads(body)["status"]
            assert status == 503
            assert re.fullmatch(r"schema is empty, \d{4} is needed; run: palmonas migrate", sentence)
            assert process.get("/livez")[0] == 200
        done = subprocess.run(
            [*PALMONAS, "migrate"],
            env={**os.environ, "PALMONAS_DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        service.wait_ready()
        service.stop()
    finally:
        execute_admin(postgres_server, "DROP DATABASE unmigrated WITH (FORCE)")


def test_an_api_that_leaves_serves_on_until_balancers_have_seen_it(
    start_service: StartService, database_url: str, redis_url: str
) -> None:
    service = start_service(database_url, redis_url)
    api = service.add_api(leave_s="4").wait_ready()
    asked = time.monotonic()
    api.ask_to_stop()
    assert wait_until(lambda: api.get("/readyz") == (503, b'{"status":"draining"}'), 3.0, 0.1)
    answer = requests.get(f"http://127.0.0.1:{api.port}/livez", timeout=5)
    assert answer.status_code == 200, "a new connection while it leaves"
    assert api.stop() == 0
    assert 4.0 <= time.monotonic() - asked < 15.0
