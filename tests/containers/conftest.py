"""One engine and one stack for all tests of containers: they build on one another, in the order they stand in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.containers.engine import Engine, open_engine
from tests.containers.stack import Stack


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with open_engine() as engine:
        engine.make_bases()
        yield engine


@pytest.fixture(scope="session")
def built(engine: Engine) -> Engine:
    """The engine, with our images built of the clone as it is."""
    Stack(engine).build("tools")
    return engine


@pytest.fixture(scope="module")
def stack(built: Engine) -> Iterator[Stack]:
    """Everything up and healthy."""
    stack = Stack(built)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
