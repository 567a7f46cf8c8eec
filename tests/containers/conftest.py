"""One engine and one stack for all tests of containers: they build on one another, in the order they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.containers.engine import Engine, open_engine
from tests.containers.stack import Stack

Record = Callable[[str, object], None]  # of `record_property`


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured, for docs/containers.md."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


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
