"""The audit log: it only grows, and only old entries ever go."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest

from app.store.audit import AuditEntry, list_entries, prune_entries, record_entry
from app.store.pool import Pool
from tests.api_console import Console, insert_delivery, insert_order, run_console, run_sql


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


def read_actions(console: Console) -> list[tuple[str, str, str, str]]:
    rows = list_entries(console.services.pool, actor=None, action=None, before_id=None, limit=100)
    return [(row.actor, row.action, row.object, row.outcome) for row in reversed(rows)]


def test_what_people_do_is_written_down(console: Console, database_url: str) -> None:
    order = insert_order(database_url, "audited")
    first, second = (insert_delivery(database_url, name) for name in ("d-1", "d-2"))
    browser = console.log_in("admin")
    me = f"user:{browser.get('/session').json['user']['id']}"
    browser.log_in("admin@shop.example", "not the password")
    browser.log_in("nobody@shop.example")
    browser.get(f"/orders/{order}")
    browser.get(f"/orders/{order}?payload=true")
    browser.call("PATCH", f"/orders/{order}/status", json={"status": "processing"}, headers={"If-Match": '"1"'})
    browser.get(f"/quarantine/{first}?payload=true")
    browser.call("POST", f"/quarantine/{first}/replay")
    browser.call("POST", f"/quarantine/{first}/replay")  # it is not in quarantine any more: nothing is done
    browser.call("POST", f"/quarantine/{second}/discard")
    browser.call("POST", "/rq/requeue/tasks")
    browser.get("/orders.csv")
    browser.call("DELETE", "/sessions")
    actions = read_actions(console)
    assert actions[0] == ("command", "user.create", me, "done")
    assert actions[1:] == [
        (me, "session.login", me, "done"),
        ("anonymous", "session.login", me, "refused"),
        ("anonymous", "session.login", "session", "refused"),
        (me, "order.payload", f"order:{order}", "done"),
        (me, "order.status", f"order:{order}", "done"),
        (me, "quarantine.payload", f"delivery:{first}", "done"),
        (me, "quarantine.replay", f"delivery:{first}", "done"),
        (me, "quarantine.discard", f"delivery:{second}", "done"),
        (me, "rq.requeue_all", "rq:tasks", "asked"),
        (me, "orders.export", "orders", "started"),
        (me, "session.logout_everywhere", me, "done"),
    ]


def test_admins_page_through_it_by_actor_and_action(console: Console) -> None:
    browser = console.log_in("admin")
    for number in range(5):
        record_entry(console.services.pool, make_entry(action=f"some.{number % 2}"))
    page = browser.get("/audit?limit=4").json
    assert [one["action"] for one in page["entries"]] == ["some.0", "some.1", "some.0", "some.1"]
    rest = browser.get(f"/audit?limit=4&cursor={page['next']}").json
    assert [one["action"] for one in rest["entries"]] == ["some.0", "session.login", "user.create"]
    assert (rest["next"], rest["entries"][1]["actor_email"]) == (None, "admin@shop.example")
    assert rest["entries"][2]["actor_email"] is None
    assert len(browser.get("/audit?action=some.1").json["entries"]) == 2
    assert len(browser.get("/audit?actor=command&action=user.create").json["entries"]) == 1
    assert browser.get("/audit?actor=x' OR 1=1").status_code == 400
    assert console.get("/audit", "operator").status_code == 403
