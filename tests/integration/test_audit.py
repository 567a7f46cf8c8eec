"""The audit log: it only grows, and only old entries ever go."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest

from app.store.audit import AuditEntry, list_entries, prune_entries, record_entry
from app.store.pool import Pool
from tests.api_console import Console, run_console, run_sql


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url) as running:
        yield running


def make_entry(actor: str = "token:t", action: str = "order.status") -> AuditEntry:
    return AuditEntry(actor, action, "order:1", "done", "192.0.2.7", "request-0001", {"to": "packed\x00"})


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_nothing_changes_or_takes_away_an_entry(pool: Pool, database_url: str, statement: str) -> None:
    record_entry(pool, make_entry())
    with pytest.raises(psycopg2.errors.RaiseException, match="append-only"):
        run_sql(database_url, statement)
    (row,) = list_entries(pool, actor=None, action=None, before_id=None, limit=10)
    assert (row.actor, row.object, row.address, row.detail) == ("token:t", "order:1", "192.0.2.7", {"to": "packed�"})


def test_old_entries_go_in_batches_and_young_ones_stay(pool: Pool, database_url: str) -> None:
    for days in (500, 450, 420, 380, 0):
        run_sql(
            database_url,
            "INSERT INTO audit_log (at, actor, action, object, outcome, request_id, detail)"
            " VALUES (now() - %s * interval '1 day', 'token:t', 'a', 'o', 'done', 'request-0001', '{}')",
            (days,),
        )
    assert [prune_entries(pool, 400, 2) for _ in range(3)] == [2, 1, 0]
    assert len(list_entries(pool, actor=None, action=None, before_id=None, limit=10)) == 2


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, "127.0.0.1"),
        ({"X-Forwarded-For": "192.0.2.7"}, "192.0.2.7"),
        ({"X-Forwarded-For": "10.1.1.1, 192.0.2.7"}, "192.0.2.7"),
        ({"X-Forwarded-For": "::ffff:192.0.2.7"}, "192.0.2.7"),
        ({"X-Forwarded-For": "nonsense"}, "127.0.0.1"),
        ({"X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}, "127.0.0.1"),
    ],
)
def test_the_address_is_the_front_doors_word(console: Console, told: dict[str, str], found: str) -> None:
    from app.api.requests import client_address

    with console.app.test_request_context("/", headers=told, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert client_address() == found


def test_the_word_of_anybody_else_is_not_believed(console: Console) -> None:
    from app.api.requests import client_address

    headers = {"X-Forwarded-For": "192.0.2.7"}
    with console.app.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": "203.0.113.9"}):
        assert client_address() == "203.0.113.9"
