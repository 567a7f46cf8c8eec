"""A console under gunicorn on a database of its own, started once for a file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.store.pool import Pool
from stack.servers import PostgresServer, RedisServer
from tests.servers import copy_database, empty_redis
from tests.service import Process, Service


@dataclass
class ConsoleProcess:
    service: Service
    process: Process
    pool: Pool

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.process.port}"


@contextmanager
def run_console_process(
    postgres: PostgresServer, redis: RedisServer, name: str, directory: Path, **settings: str
) -> Iterator[ConsoleProcess]:
    """`name` is that of its database, a copy of the template. Empties Redis."""
    empty_redis(redis)
    with copy_database(postgres, name) as database:
        service = Service(database, redis.url, directory)
        pool = Pool(database, name="t", size=2, timeout_s=2.0, connect_timeout_s=2.0, statement_timeout_s=5.0)
        try:
            process = service.add_api("api-console-1", roles="console", **settings)
            service.wait_ready()
            yield ConsoleProcess(service, process, pool)
        finally:
            pool.close()
            service.stop()
