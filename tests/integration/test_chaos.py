"""Everything dies, some of it several times, and no order is lost or doubled."""

from __future__ import annotations

import random
import time

import redis

from stack.servers import PostgresServer
from tests.chaos import Storm, check_everything, make_deliveries, wait_until_settled
from tests.integration.conftest import StartService, open_pool
from tests.service import Process, Service

SEED = 20261122
QUIET_S = 30.0


def start_all(start_service: StartService, database_url: str, redis_url: str) -> Service:
    service = start_service(database_url, redis_url, roles="accept", accept_timeout_s="3", statement_timeout_s="2")
    service.add_api("api-1")
    service.add_api("api-2")
    service.add_worker("ingest")
    service.add("dispatcher", "dispatcher")
    return service.wait_ready()


def kill_and_restart(process: Process) -> None:
    process.kill9()
    process.start()


def test_processes_are_killed_and_redis_is_flushed_under_load(
    start_service: StartService, database_url: str, redis_url: str
) -> None:
    dice = random.Random(SEED)
    service = start_all(start_service, database_url, redis_url)
    first, second, worker, dispatcher = service.processes
    deliveries = make_deliveries(2000, dice)
    storm = Storm([first.port, second.port], service.secrets["woocommerce"], deliveries).start()
    victims = [worker, first, dispatcher, worker, second, dispatcher, first, worker, second]
    flush_at = len(victims) // 2
    killed = 0
    for index, victim in enumerate(victims):
        target = len(deliveries) * (len(victims) - index) // (len(victims) + 1)
        while storm.left > target:
            time.sleep(0.02)
        if index == flush_at:
            redis.Redis.from_url(redis_url).flushall()
        kill_and_restart(victim)
        killed += 1
    tally = storm.join()
    service.wait_ready()
    pool = open_pool(database_url, size=1)
    settled_s = wait_until_settled(pool, QUIET_S)
    check_everything(pool, deliveries, tally)
    pool.close()
    print(
        f"\n{len(deliveries)} deliveries, {killed} kills: {tally.broken} broken connections,"
        f" {tally.unavailable} answers 503, settled after {settled_s:.1f} s"
    )
    assert tally.broken > 0, "the kills did not hit the load: the test proves nothing"


def test_postgresql_is_restarted_under_load(
    start_service: StartService, own_postgres: PostgresServer, redis_url: str
) -> None:
    dice = random.Random(SEED)
    service = start_all(start_service, own_postgres.url, redis_url)
    first, second, *_ = service.processes
    pids = [process.pid for process in service.processes]
    deliveries = make_deliveries(800, dice)
    storm = Storm([first.port, second.port], service.secrets["woocommerce"], deliveries).start()
    for target, restart in ((0.7, own_postgres.restart), (0.35, own_postgres.kill9)):
        while storm.left > len(deliveries) * target:
            time.sleep(0.02)
        restart()
        if restart == own_postgres.kill9:
            time.sleep(1.0)
            own_postgres.start()
    tally = storm.join()
    pool = open_pool(own_postgres.url, size=1)
    settled_s = wait_until_settled(pool, QUIET_S)
    check_everything(pool, deliveries, tally)
    pool.close()
    print(f"\n{tally.unavailable} answers 503, settled after {settled_s:.1f} s")
    assert tally.unavailable > 0, "the restarts did not hit the load: the test proves nothing"
    for process, pid in zip(service.processes, pids, strict=True):
        assert process.pid == pid
        assert process.get("/readyz")[0] == 200, f"{process.name} did not survive PostgreSQL's restart"
