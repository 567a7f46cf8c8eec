"""Fixtures for tests that run the service's own processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.store.pool import Pool
from tests.running import Stack, make_stack
from tests.service import Service

StartService = Callable[..., Service]


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """Make a Service on given servers; all its processes are stopped at the end of the test."""
    made: list[Service] = []

    def start(database_url: str, redis_url: str, **settings: str) -> Service:
        service = Service(database_url, redis_url, tmp_path, **settings)
        made.append(service)
        return service

    yield start
    for service in made:
        service.stop()


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    """A pool of three connections to the test's own database."""
    pool = open_pool(database_url, size=3)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def stack_of_session() -> Iterator[Stack]:
    """A stack's place; `stack` starts it. One for all modules, because a start takes half a minute."""
    with make_stack("up") as made:
        yield made


@pytest.fixture(scope="module")
def stack(stack_of_session: Stack) -> Stack:
    """The whole stack with its demo, up and healthy; the module before may have stopped it."""
    stack_of_session.ensure_demo()
    return stack_of_session


def open_pool(url: str, *, size: int, name: str = "test", timeout_s: float = 2.0, statement_s: float = 5.0) -> Pool:
    return Pool(url, name=name, size=size, timeout_s=timeout_s, connect_timeout_s=2.0, statement_timeout_s=statement_s)
