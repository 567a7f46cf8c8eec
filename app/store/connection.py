"""Waiting for PostgreSQL with a deadline, in a gevent process and in a plain one.

libpq has no client-side limit for a statement, and a server that is frozen (SIGSTOP, a dead host) keeps its
TCP connections: without this, `statement_timeout` is a promise of the very process that hangs. psycopg2 calls
`wait_for` whenever it would block; when it raises, psycopg2 closes the connection, which is what we want: the
state of the conversation is unknown.
"""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg2
import psycopg2.extensions
from gevent import monkey
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

from app.errors import PalmonasError, StoreRejected, StoreUnavailable

_poll = monkey.get_original("select", "poll")


class DeadlineExceeded(StoreUnavailable):
    """PostgreSQL did not answer before the deadline; the connection is closed."""


class TimedConnection(psycopg2.extensions.connection):
    """A connection that knows by when (`time.monotonic()` seconds) its current wait must end.

    `connect_timeout_s` and `statement_timeout_s` are set by the pool, on a subclass of its own.
    """

    connect_timeout_s: float = 2.0
    statement_timeout_s: float = 3.0
    deadline: float
    opened_at: float

    def __init__(self, dsn: str, **kwargs: Any) -> None:
        self.opened_at = time.monotonic()
        self.deadline = self.opened_at + self.connect_timeout_s
        super().__init__(dsn, **kwargs)

    def restart_deadline(self) -> None:
        self.deadline = time.monotonic() + self.statement_timeout_s


class TimedCursor(psycopg2.extensions.cursor):
    """Each statement has a deadline of its own, and fails with an error of ours.

    A warning is an error, too: a COMMIT whose wait for a synchronous replica is cut short (by the statement timeout)
    succeeds with nothing but a warning, and what it wrote may die with this server. The words are of the server's
    language, so none are looked for; the pool asks for nothing below warnings.
    """

    def execute(self, query: Any, vars: Any = None) -> None:
        """Raises StoreRejected when the data is refused, StoreUnavailable for everything else."""
        self.connection.restart_deadline()  # type: ignore[attr-defined]  # always a TimedConnection
        self.connection.notices.clear()
        try:
            super().execute(query, vars)
        except (psycopg2.Error, ValueError) as error:
            raise translate(error) from error
        if self.connection.notices:
            raise StoreUnavailable("PostgreSQL warned that it may not have done all of it; try again")


# SQLSTATE classes that are about the data, not about the time: trying again cannot help. 21 cardinality, 22 data,
# 23 constraint, 44 check option, 54 limit (a value too long for an index: psycopg2 calls that operational).
REJECTED_CLASSES = frozenset({"21", "22", "23", "44", "54"})


def translate(error: psycopg2.Error | ValueError) -> PalmonasError:
    """Data the server can never take is StoreRejected; everything else may work later: StoreUnavailable.

    A ValueError is psycopg2's for text that PostgreSQL cannot hold (NUL, a lone surrogate).
    """
    code = getattr(error, "pgcode", None) or "none"
    if isinstance(error, ValueError) or code[:2] in REJECTED_CLASSES:
        return StoreRejected(f"PostgreSQL refused the data (SQLSTATE {code})")
    return StoreUnavailable(f"PostgreSQL did not do it (SQLSTATE {code}); try again")


def _wait_plain(descriptor: int, write: bool, seconds: float) -> bool:
    poller = _poll()
    poller.register(descriptor, select.POLLOUT if write else select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def _wait_gevent(descriptor: int, write: bool, seconds: float) -> bool:
    from gevent.socket import wait_read, wait_write

    try:
        (wait_write if write else wait_read)(descriptor, timeout=seconds)
    except TimeoutError:
        return False
    return True


def wait_for(connection: Any) -> None:
    """The psycopg2 wait callback. Raises DeadlineExceeded; a connection that is not ours waits 60 s at most."""
    deadline = getattr(connection, "deadline", None) or time.monotonic() + 60.0
    wait = _wait_gevent if monkey.is_module_patched("socket") else _wait_plain
    while True:
        state = connection.poll()
        if state == POLL_OK:
            return
        if state not in (POLL_READ, POLL_WRITE):
            raise StoreUnavailable("PostgreSQL answered in a way that psycopg2 does not know")
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not wait(connection.fileno(), state == POLL_WRITE, remaining):
            raise DeadlineExceeded("PostgreSQL did not answer within its deadline")


def has_pending_input(connection: Any) -> bool:
    """True when an idle connection has something to read: the server has closed it, or is about to say so."""
    poller = _poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))


psycopg2.extensions.set_wait_callback(wait_for)
