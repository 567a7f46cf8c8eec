"""Fixtures over real servers, no sockets in unit tests, a table of suites, and no skips in CI."""

from __future__ import annotations

import itertools
import os
import signal
import socket
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import psycopg2
import pytest

from stack.servers import PostgresServer, RedisServer
from tests.servers import copy_database, empty_redis, make_template, migrate, run_postgres, run_redis

TESTS = Path(__file__).parent
DATABASE_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL. Leave it running: tests that break a server take `own_postgres`."""
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The session's Redis. Leave it running: tests that break a server take `own_redis`."""
    with run_redis() as server:
        yield server


@pytest.fixture(scope="session")
def database_template(postgres_server: PostgresServer) -> str:
    return make_template(postgres_server)


@pytest.fixture
def database_url(postgres_server: PostgresServer, database_template: str) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    with copy_database(postgres_server, f"test_{next(DATABASE_NUMBERS)}") as url:
        yield url


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The session's Redis, emptied."""
    empty_redis(redis_server)
    return redis_server.url


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of the test's own, migrated: it may be stopped, killed and frozen."""
    with run_postgres() as server:
        migrate(server.url)
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis of the test's own: it may be stopped, killed and frozen."""
    with run_redis() as server:
        yield server


@pytest.fixture(autouse=True)
def refuse_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.path.is_relative_to(TESTS / "unit"):
        monkeypatch.setattr(socket.socket, "connect", _refuse_connection)
        monkeypatch.setattr(socket.socket, "connect_ex", _refuse_connection)
        monkeypatch.setattr(psycopg2, "_connect", _refuse_connection)


def _refuse_connection(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("a unit test tried to connect to a server: move it to tests/integration")


def pytest_configure() -> None:
    # `timeout` and CI end a run with SIGTERM: the servers must be stopped then, too.
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    seconds: defaultdict[str, float] = defaultdict(float)
    tests: Counter[str] = Counter()
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, []):
            if isinstance(report, pytest.TestReport) and report.when == "call":
                tests[_name_suite(report.nodeid)] += 1
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[_name_suite(report.nodeid)] += report.duration
    terminalreporter.section("suites")
    for suite in sorted(seconds):
        terminalreporter.line(f"{suite:<40} {tests[suite]:>6} tests {seconds[suite] / 60:>8.2f} minutes")


def _name_suite(nodeid: str) -> str:
    return str(Path(nodeid.partition("::")[0]).parent)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        reporter.write_line("\nskipped tests count as failures when CI=true", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
