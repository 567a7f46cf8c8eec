"""What holds for every request: its id, its headers, its errors, its log line, its metrics; servers that are away."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api import orders
from app.log import JsonFormatter
from tests.api_console import Console, insert_delivery, insert_order, run_console, run_sql

NOWHERE = "redis://:a-password-of-tests-0001@127.0.0.1:1/0"


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url) as running:
        yield running


def read_labels(console: Console, name: str) -> list[dict[str, str]]:
    return [sample.labels for family in console.registry.collect() for sample in family.samples if sample.name == name]


@pytest.mark.parametrize("given", ["abcdefgh", "A.b_c-1" * 10, "x" * 128])
def test_a_well_formed_request_id_is_kept(console: Console, given: str) -> None:
    assert console.get("/orders", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 129, "has space", 'quo"te12', "ünïcode-1", "a" * 9 + "\x01"])
def test_any_other_request_id_is_replaced(console: Console, given: str) -> None:
    answer = console.get("/nowhere", None, headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 32
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/orders", 405), ("BREW", "/orders", 405), ("GET", "/orders", 401),
     ("POST", "/nowhere/%00", 404), ("GET", "/static/../app.py", 404), ("GET", "/docs/assets/%2e%2e/x", 404)],
)  # fmt: skip
def test_every_error_is_a_problem_with_the_headers_of_a_page(
    console: Console, method: str, path: str, status: int
) -> None:
    answer = console.call(method, path, None)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_failure_of_ours_tells_nothing_outside_and_no_data_inside(
    console: Console, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("canary-of-a-customer")

    monkeypatch.setattr(orders, "list_orders", fail)
    answer = console.get("/orders?text=canary-of-a-customer")
    assert (answer.status_code, answer.json["type"]) == (500, "urn:palmonas:problem:internal")
    assert "canary" not in answer.text
    failed = next(record for record in caplog.records if record.getMessage() == "request_failed")
    line = orjson.loads(JsonFormatter("api").format(failed))
    assert line["rule"] == "/orders"
    assert "RuntimeError at fail" in line["exc_info"]
    assert "canary" not in str(line)
    assert read_labels(console, "flask_http_request_exceptions_total") == [{"method": "GET", "status": "500"}]


def test_requests_are_logged_by_rule_without_their_query(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "app.api"):
        console.get("/orders?text=canary@example.org", headers={"X-Request-Id": "request-0042"})
        console.get("/canary", None)
        console.get("/livez", None)
        console.call("POST", "/webhooks/shopify", None, data=b"canary")
    lines = [record for record in caplog.records if record.getMessage() == "http_request"]
    assert [(line.rule, line.status) for line in lines] == [("/orders", 200), ("(unmatched)", 404)]
    assert all(line.duration_ms > 0 for line in lines)
    assert "canary" not in str([record.__dict__ for record in lines])


def test_labels_do_not_grow_with_paths_methods_or_machine_routes(console: Console, database_url: str) -> None:
    ids = [insert_order(database_url, str(number)) for number in range(3)]
    for path in [f"/orders/{one}" for one in ids] + [f"/nowhere/{one}" for one in range(5)]:
        console.get(path)
    for method in ("BREW", "MILK"):
        console.call(method, "/orders")
    console.get("/livez", None)
    console.call("POST", "/webhooks/shopify", None)
    labels = {
        (one["method"], one["url_rule"], one["status"])
        for one in read_labels(console, "flask_http_request_duration_seconds_count")
    }
    assert labels == {
        ("GET", "/orders/<rowid:order_id>", "200"),
        ("GET", "(unmatched)", "404"),
        ("OTHER", "(unmatched)", "405"),
    }
    total = [
        sample.value
        for family in console.registry.collect()
        for sample in family.samples
        if sample.name == "flask_http_request_duration_seconds_count"
    ]
    assert sum(total) == 10


def test_the_description_names_the_routes_of_both_roles(database_url: str, redis_url: str) -> None:
    with run_console(database_url, redis_url, roles="console") as console:
        description = console.get("/openapi.json").json
    OpenAPIV31SpecValidator(description).validate()
    assert {"/orders", "/webhooks/{channel}", "/health", "/quarantine/{inbox_id}/replay"} <= set(description["paths"])
    assert not any(path.startswith("/rq") for path in description["paths"])


def test_the_docs_page_needs_no_script_but_files_of_ours(console: Console) -> None:
    page = console.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    sources = [part.split('"')[1] for part in page.text.split("src=")[1:]] + [
        part.split('"')[1] for part in page.text.split("href=")[1:]
    ]
    assert len(sources) == 4
    for source in sources:
        assert console.get(source, None).status_code == 200
    assert page.text.count("<script") == page.text.count("<script src=")


def test_a_database_that_is_away_is_503_with_a_time_to_try_again(redis_url: str) -> None:
    away = "postgresql://palmonas:a-password-of-tests-0001@127.0.0.1:1/palmonas"
    with run_console(away, redis_url, tokens=False) as console:
        started = time.monotonic()
        answer = console.get("/orders", "plm_" + "A" * 43)
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() - started < 5
        assert console.get("/livez", None).status_code == 200


def test_quarantine_is_listed_shown_replayed_and_discarded(
    console: Console, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [insert_delivery(database_url, f"d-{number}") for number in range(5)]
    done = insert_delivery(database_url, "done", state="done")
    first = console.get("/quarantine?limit=2").json
    second = console.get(f"/quarantine?limit=2&cursor={first['next']}").json
    third = console.get(f"/quarantine?limit=2&cursor={second['next']}").json
    assert [one["id"] for page in (first, second, third) for one in page["deliveries"]] == sorted(ids, reverse=True)
    assert third["next"] is None
    assert console.get("/quarantine?channel=standard").json["deliveries"] == []

    assert console.get(f"/quarantine/{ids[0]}").json["payload"] is None
    assert console.get(f"/quarantine/{ids[0]}?payload=true").status_code == 403
    assert console.get(f"/quarantine/{ids[0]}?payload=true", "admin").json["payload"] == '{"id": 1}'
    assert console.get(f"/quarantine/{done}").status_code == 404

    with caplog.at_level(logging.INFO):
        assert console.call("POST", f"/quarantine/{ids[0]}/replay", "operator").json["state"] == "pending"
        assert console.call("POST", f"/quarantine/{ids[1]}/discard", "operator").json["state"] == "discarded"
    assert {record.getMessage() for record in caplog.records} >= {"delivery_replayed", "delivery_discarded"}
    rows = run_sql(
        database_url, "SELECT state, attempts, next_attempt_at FROM inbox WHERE id <= %s ORDER BY id", (ids[1],)
    )
    assert rows == [("pending", 0, None), ("discarded", 5, None)]
    assert console.call("POST", f"/quarantine/{ids[1]}/replay", "operator").status_code == 409
    assert console.call("POST", "/quarantine/999/replay", "operator").status_code == 404
    assert console.services.queue.redis.llen("rq:queue:tasks") == 1

    channels = {one["name"]: one for one in console.get("/channels").json["channels"]}
    assert set(channels) == {"shopify", "standard"}  # WooCommerce has no secret here
    assert (channels["shopify"]["pending"], channels["shopify"]["quarantined"]) == (1, 3)


def test_channels_name_their_newest_order(console: Console, database_url: str) -> None:
    insert_order(database_url, "old", placed_at="2026-01-01T00:00:00Z")
    newest = insert_order(database_url, "new", placed_at="2026-02-01T00:00:00Z")
    channels = {one["name"]: one for one in console.get("/channels").json["channels"]}
    assert channels["shopify"]["last_order_id"] == newest
    assert channels["shopify"]["last_order_placed_at"] == "2026-02-01T00:00:00Z"
    assert channels["standard"]["last_order_id"] is None


def test_without_redis_a_replay_is_still_taken_and_rq_says_so(database_url: str) -> None:
    with run_console(database_url, NOWHERE) as console:
        inbox_id = insert_delivery(database_url, "d-1")
        started = time.monotonic()
        assert console.call("POST", f"/quarantine/{inbox_id}/replay", "operator").status_code == 202
        assert run_sql(database_url, "SELECT state FROM inbox") == [("pending",)]
        answer = console.get("/rq/", "admin")
        assert (answer.status_code, answer.json["type"]) == (503, "urn:palmonas:problem:queue_unavailable")
        assert answer.headers["Retry-After"]
        assert time.monotonic() - started < 5
