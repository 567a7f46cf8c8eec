"""Changes of an order's status through the console API, over a real PostgreSQL: refusals, races, who wins."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.store.connection import TimedCursor
from tests.api_console import Console, insert_order, run_console, run_sql


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url, pool_size=5) as running:
        yield running


def change(console: Console, order_id: int, status: str, etag: str, role: str = "operator") -> Any:
    return console.call(
        "PATCH", f"/orders/{order_id}/status", role, json={"status": status}, headers={"If-Match": etag}
    )


def test_a_change_of_status_is_recorded_and_bumps_the_revision(console: Console, database_url: str) -> None:
    order_id = insert_order(database_url, "1")
    etag = console.get(f"/orders/{order_id}").headers["ETag"]
    answer = change(console, order_id, "processing", etag)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    order = console.get(f"/orders/{order_id}").json
    assert (order["status"], order["progress"], order["revision"]) == ("processing", "processing", 2)
    event = order["events"][-1]
    assert (event["type"], event["actor"], event["from_value"], event["to_value"]) == (
        "status_changed", "token:operator-1", "new", "processing")  # fmt: skip
    assert event["request_id"] == answer.headers["X-Request-Id"]


def test_a_stale_etag_is_412_with_the_present_one(console: Console, database_url: str) -> None:
    order_id = insert_order(database_url, "1")
    run_sql(database_url, "UPDATE orders SET revision = 4")  # the channel was faster
    answer = change(console, order_id, "processing", '"1"')
    assert (answer.status_code, answer.headers["ETag"]) == (412, '"4"')
    assert change(console, order_id, "processing", answer.headers["ETag"]).status_code == 200


@pytest.mark.parametrize("etag", ["", "*", "1", 'W/"1"', '"1", "2"', '"x"', '"99999999999"'])
def test_without_one_strong_etag_it_is_428(console: Console, database_url: str, etag: str) -> None:
    order_id = insert_order(database_url, "1")
    assert change(console, order_id, "processing", etag).status_code == 428
    assert run_sql(database_url, "SELECT revision FROM orders") == [(1,)]


def test_refused_changes_say_why_and_change_nothing(console: Console, database_url: str) -> None:
    plain = insert_order(database_url, "1")
    cancelled = insert_order(database_url, "2", channel_status="cancelled")
    step = change(console, plain, "delivered", '"1"')
    assert (step.status_code, step.json["type"]) == (409, "urn:palmonas:problem:conflict")
    assert "processing" in step.json["detail"]
    final = change(console, cancelled, "processing", '"1"')
    assert final.status_code == 409
    assert "the channel has cancelled" in final.json["detail"]
    assert change(console, 999, "processing", '"1"').status_code == 404
    assert run_sql(database_url, "SELECT count(*) FROM order_events") == [(0,)]
    assert set(run_sql(database_url, "SELECT revision, progress FROM orders")) == {(1, "new")}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"{}", "application/json", 400), (b"{", "application/json", 400), (b"[]", "application/json", 400),
     (b'{"status": "lost"}', "application/json", 400), (b'{"status": "packed", "x": 1}', "application/json", 400),
     (b'{"status": "processing"}', "text/plain", 415), (b'{"status": "\xff"}', "application/json", 400),
     (b'{"status": "' + b"x" * 70_000 + b'"}', "application/json", 413)],
)  # fmt: skip
def test_a_bad_body_is_refused(
    console: Console, database_url: str, body: bytes, content_type: str, status: int
) -> None:
    order_id = insert_order(database_url, "1")
    answer = console.call("PATCH", f"/orders/{order_id}/status", "operator", data=body, content_type=content_type,
                          headers={"If-Match": '"1"'})  # fmt: skip
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_fifty_changes_at_once_on_five_connections_have_one_winner_each_round(
    console: Console, database_url: str
) -> None:
    order_id = insert_order(database_url, "1")
    for round_number, status in enumerate(("processing", "packed", "shipped"), start=1):
        together = threading.Barrier(50)

        def ask(_: int, status: str = status, revision: int = round_number) -> int:
            together.wait(10)  # noqa: B023 - every thread of this round ends within it
            return int(change(console, order_id, status, f'"{revision}"').status_code)

        with ThreadPoolExecutor(50) as threads:
            statuses = Counter(threads.map(ask, range(50), timeout=30))
        assert statuses == {200: 1, 412: 49}
    assert run_sql(database_url, "SELECT revision, progress FROM orders") == [(4, "shipped")]
    assert run_sql(database_url, "SELECT count(*) FROM order_events") == [(3,)]


def test_a_lost_race_after_the_read_is_412(
    console: Console, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = insert_order(database_url, "1")
    execute = TimedCursor.execute

    def overtake(self: TimedCursor, query: Any, values: Any = None) -> None:
        if str(query).startswith("UPDATE orders SET progress"):
            run_sql(database_url, "UPDATE orders SET revision = revision + 1")
        execute(self, query, values)

    monkeypatch.setattr(TimedCursor, "execute", overtake)
    answer = change(console, order_id, "processing", '"1"')
    assert (answer.status_code, answer.headers["ETag"]) == (412, '"2"')
    assert run_sql(database_url, "SELECT count(*) FROM order_events") == [(0,)]
