"""Several orders changed at once: a result for each, and none of them stands in another's way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api_console import Console, insert_order, run_console, run_sql


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url) as running:
        yield running


def change(console: Console, status: str, *orders: tuple[int, int]) -> Any:
    body = {"status": status, "orders": [{"id": one, "revision": revision} for one, revision in orders]}
    return console.call("POST", "/orders/statuses", "operator", json=body)


def test_each_order_has_its_own_result_and_its_own_record(console: Console, database_url: str) -> None:
    good, stale, finished, cancelled = (
        insert_order(database_url, name, **columns)
        for name, columns in (
            ("good", {}),
            ("stale", {"revision": 5}),
            ("finished", {"progress": "returned"}),
            ("cancelled", {"channel_status": "cancelled"}),
        )
    )
    wanted = ((good, 1), (stale, 1), (finished, 1), (cancelled, 1), (999_999, 1), (good, 1))
    answer = change(console, "processing", *wanted)
    assert answer.status_code == 200
    results = answer.json["results"]
    assert [(one["id"], one["outcome"], one["revision"]) for one in results] == [
        (good, "changed", 2),
        (stale, "stale", 5),
        (finished, "refused", 1),
        (cancelled, "refused", 1),
        (999_999, "missing", None),
        (good, "stale", 2),
    ]
    assert [bool(one["detail"]) for one in results] == [False, True, True, True, True, True]
    changed = run_sql(database_url, "SELECT order_id, actor, to_value FROM order_events")
    assert changed == [(good, "token:operator-1", "processing")]
    records = run_sql(database_url, "SELECT actor, action, object, outcome, detail, request_id FROM audit_log")
    assert records == [
        ("token:operator-1", "order.status", f"order:{good}", "done", {"to": "processing"},
         answer.headers["X-Request-Id"]),
    ]  # fmt: skip


def test_two_hundred_are_changed_and_more_are_refused(console: Console, database_url: str) -> None:
    ids = [insert_order(database_url, f"many-{number}") for number in range(200)]
    answer = change(console, "on_hold", *((one, 1) for one in ids))
    assert {one["outcome"] for one in answer.json["results"]} == {"changed"}
    assert change(console, "on_hold", *((one, 1) for one in [*ids, 1])).status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "packed"}, {"status": "packed", "orders": []}, {"status": "lost", "orders": [{"id": 1}]},
     {"status": "packed", "orders": [{"id": 1}]}, {"status": "packed", "orders": [{"id": 0, "revision": 1}]},
     {"status": "packed", "orders": [{"id": 2**63, "revision": 1}]},
     {"status": "packed", "orders": [{"id": 1, "revision": 1, "force": True}]}, []],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(console: Console, body: Any) -> None:
    assert console.call("POST", "/orders/statuses", "operator", json=body).status_code == 400


def test_what_is_pushed_is_told_with_the_order(console: Console, database_url: str) -> None:
    order = insert_order(database_url, "pushed")
    run_sql(
        database_url,
        "INSERT INTO outbox (order_id, channel, kind, payload, request_id, state, attempts, error)"
        " VALUES (%s, 'shopify', 'status', '{\"status\": \"shipped\"}', 'request-0001', 'failed', 3, 'HTTP 500')",
        (order,),
    )
    (push,) = console.get(f"/orders/{order}").json["pushes"]
    assert (push["status"], push["state"], push["attempts"], push["last_error"]) == ("shipped", "failed", 3, "HTTP 500")
