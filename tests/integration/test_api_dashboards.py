"""/dashboards: who sees it, and what of Prometheus comes through its door."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.api.series import MAX_POINTS, MAX_QUERY, MAX_RANGE_S
from app.outbound.prometheus import AT_ONCE, MAX_BYTES, Prometheus
from stack.processes import find_free_port
from stack.programs import find_executable
from tests.api_console import Console, run_console
from tests.doors import HEAD, Asked, Reply, Shop, open_shop, send, talk_raw

API = "/dashboards/api/prometheus"
NOW = 1_800_000_000
GOOD = {"query": "up", "start": NOW - 3600, "end": NOW, "step": 15}
EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}
JSON = {"Content-Type": "application/json"}


def answer_well(_: Asked) -> Reply:
    return Reply(EMPTY, headers=JSON)


@pytest.fixture
def upstream() -> Iterator[Shop]:
    with open_shop(answer_well) as shop:
        yield shop


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """As the build leaves them, with one of each."""
    files = {
        "index.html": '<meta name="style-nonce" content="{{nonce}}">',
        "assets/page-1a2b.js": "export const page = 1;",
        "assets/page-1a2b.js.br": "packed",
        "dashboards/shop-pools.json": json.dumps({"uid": "shop-pools", "title": "Pools", "panels": []}),
        "runbooks/PoolFull.md": "# PoolFull",
        "secret.json": "{}",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@contextmanager
def open_console(database_url: str, redis_url: str, url: str, pages: Path | str = "") -> Iterator[Console]:
    settings = {"PROMETHEUS_URL": url, "PREVIEW_DIR": str(pages)}
    with run_console(database_url, redis_url, roles="console", settings=settings) as console:
        yield console


@pytest.fixture
def console(database_url: str, redis_url: str, upstream: Shop, pages: Path) -> Iterator[Console]:
    with open_console(database_url, redis_url, upstream.url, pages) as running:
        yield running


def ask(console: Console, path: str = "query_range", role: str | None = "viewer", **form: Any) -> TestResponse:
    return console.call("POST", f"{API}/{path}", role, data=form or GOOD)


def expect_problem(answer: TestResponse, status: int, reason: str) -> str:
    assert answer.status_code == status, answer.data[:300]
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert body["type"] == f"urn:palmonas:problem:{reason}"
    return str(body["detail"])


def test_without_a_token_nobody_asks_anything(console: Console, upstream: Shop) -> None:
    for path in ("/dashboards", "/dashboards/shop-pools", "/dashboards/api/definitions", f"{API}/query?query=up"):
        answer = console.get(path, None)
        expect_problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="palmonas"'
    expect_problem(ask(console, role="plm_" + "A" * 43), 401, "unauthorized")
    assert upstream.asked == []


def test_another_site_cannot_ask_with_a_browsers_credentials(console: Console, upstream: Shop) -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(f"x:{console.tokens['viewer']}".encode()).decode()}
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        headers = basic | {"Sec-Fetch-Site": site}
        assert console.call("POST", f"{API}/query", None, data={"query": "up"}, headers=headers).status_code == status
    assert len(upstream.asked) == 1


def test_nothing_of_the_caller_is_passed_on(console: Console, upstream: Shop) -> None:
    headers = {"Cookie": "session=1", "X-Request-Id": "request-0001", "X-Forwarded-For": "192.0.2.1"}
    answer = console.call("POST", f"{API}/query_range", data=GOOD, headers=headers)
    assert (answer.status_code, answer.get_json()) == (200, EMPTY)
    (asked,) = upstream.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/query_range")
    assert asked.body == f"start={NOW - 3600}.000&end={NOW}.000&query=up&step=15.000".encode()
    assert set(asked.headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Content-Length"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


ALLOWED = [
    ("query", {"query": "up", "time": NOW}, "POST", f"query=up&time={NOW}.000"),
    (
        "series",
        {"match[]": ["up", "go_info"], "start": 0, "end": 60},
        "POST",
        "start=0.000&end=60.000&match%5B%5D=up&match%5B%5D=go_info&limit=10000",
    ),
    ("labels", {"start": 0, "end": 60}, "POST", "start=0.000&end=60.000&limit=10000"),
    ("label/job/values", {"match[]": "up", "start": 0, "end": 60}, "GET", ""),
]


def test_the_allowed_paths(console: Console, upstream: Shop) -> None:
    for path, form, method, sent in ALLOWED:
        for call in ("GET", "POST"):
            given = {"query_string": form} if call == "GET" else {"data": form}
            assert console.call(call, f"{API}/{path}", **given).status_code == 200
            asked = upstream.asked[-1]
            assert (asked.method, asked.path, asked.body.decode()) == (method, f"/api/v1/{path}", sent)
            if method == "GET":
                assert asked.query == {"start": "0.000", "end": "60.000", "match[]": "up", "limit": "10000"}


FORBIDDEN = [
    "admin/tsdb/delete_series",
    "admin/tsdb/snapshot",
    "status/config",
    "status/flags",
    "targets",
    "write",
    "read",
    "query_exemplars",
    "rules",
    "query/",
    "../../-/reload",
    "%2e%2e/%2e%2e/-/quit",
    "..%2f..%2f-%2freload",
    "Query",
    "label/a%2f..%2fb/values",
    "label/job/values/..",
    "label//values",
    "label/0a/values",
    "query%0a",
    "query%3fx=1",
]


def test_no_other_path_is_reached(console: Console, upstream: Shop) -> None:
    for path in FORBIDDEN:
        answer = console.call("POST", f"{API}/{path}", data=GOOD)
        if answer.status_code == 308:  # the router's, for a doubled slash
            answer = console.call("POST", answer.location, data=GOOD)
        assert answer.status_code == 404
        assert upstream.asked == []


METHODS = ["PUT", "PATCH", "DELETE"]


def test_no_other_method_is_taken(console: Console, upstream: Shop) -> None:
    for method in METHODS:
        assert console.call(method, f"{API}/query", data={"query": "up"}).status_code == 405
        assert upstream.asked == []


TOO_MUCH = [
    ("query_range", GOOD | {"start": NOW - MAX_RANGE_S - 60, "step": 3600}, "41 days"),
    ("query_range", GOOD | {"start": NOW + 1}, "end must be at or after start"),
    ("query_range", GOOD | {"start": NOW - MAX_POINTS * 15}, f"{MAX_POINTS} points"),
    ("query_range", GOOD | {"step": 0.5}, "step"),
    ("query_range", GOOD | {"step": "1h"}, "step"),
    ("query_range", GOOD | {"end": "nan"}, "end"),
    ("query_range", GOOD | {"end": "inf"}, "end"),
    ("query_range", GOOD | {"end": "2026-01-01T00:00:00Z"}, "end"),
    ("query_range", GOOD | {"query": "x" * (MAX_QUERY + 1)}, "query"),
    ("query_range", GOOD | {"query": ""}, "query"),
    ("query_range", GOOD | {"timeout": "1h"}, "timeout: is not known here"),
    ("query_range", GOOD | {"query": ["up", "down"]}, "query: is given 2 times"),
    ("query_range", {"query": "up"}, "start"),
    ("query", {"query": "up", "step": "1"}, "step: is not known here"),
    ("series", {"start": 0, "end": 60}, "match[]"),
    ("series", {"match[]": ["up"] * 11, "start": 0, "end": 60}, "match[]"),
    ("label/job/values", {"start": 0, "end": MAX_RANGE_S + 1}, "41 days"),
]


def test_too_much_is_refused_in_a_sentence(console: Console, upstream: Shop) -> None:
    for path, form, told in TOO_MUCH:
        assert told in expect_problem(ask(console, path, **form), 400, "malformed")
        assert upstream.asked == []


def test_the_most_that_is_allowed(console: Console) -> None:
    assert ask(console, **GOOD | {"start": NOW - MAX_POINTS * 15 + 15}).status_code == 200
    assert ask(console, **GOOD | {"start": NOW - MAX_RANGE_S, "step": 3600}).status_code == 200
    assert ask(console, **GOOD | {"query": "x" * MAX_QUERY}).status_code == 200


def test_a_giant_form_is_refused(console: Console, upstream: Shop) -> None:
    expect_problem(ask(console, "series", **{"match[]": ["x" * 15_000] * 9, "start": 0, "end": 1}), 413, "too_large")
    assert upstream.asked == []


def test_prometheus_that_is_gone(database_url: str, redis_url: str, pages: Path) -> None:
    with open_console(database_url, redis_url, f"http://127.0.0.1:{find_free_port()}", pages) as console:
        answer = ask(console)
        assert "does not answer" in expect_problem(answer, 503, "prometheus_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert console.get("/dashboards").status_code == 200


WRONG = [
    (Reply({"status": "error", "error": "parse error: x"}, 400, JSON), 400, "parse error: x"),
    (Reply({"status": "error", "error": "many-to-many"}, 422, JSON), 400, "many-to-many"),
    (Reply({"status": "error", "error": "query timed out"}, 503, JSON), 503, "query timed out"),
    (Reply(b"<html>", 503), 503, "without a reason"),
    (Reply(EMPTY, 302, {"Location": "http://127.0.0.1:1/", **JSON}), 502, "status 302"),
    (Reply(b"no", 401, {"WWW-Authenticate": 'Basic realm="x"'}), 502, "status 401"),
    (Reply(b"<html>", 200, {"Content-Type": "text/html"}), 502, "no result"),
    (Reply(b"x" * (MAX_BYTES + 1), 200, JSON), 502, "more than"),
]


def test_what_prometheus_does_wrong(database_url: str, redis_url: str) -> None:
    reasons = {400: "malformed", 502: "bad_gateway", 503: "prometheus_unavailable"}
    replies = [reply for reply, _, _ in WRONG]
    with open_shop(lambda _: replies.pop(0)) as shop, open_console(database_url, redis_url, shop.url) as console:
        for _, status, told in WRONG:
            answer = ask(console)
            assert told in expect_problem(answer, status, reasons[status])
            assert "WWW-Authenticate" not in answer.headers
            assert "Location" not in answer.headers
        assert len(shop.asked) == len(WRONG), "no redirect is followed, nothing is asked twice"


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (send(b"", hold_s=2), "took longer than 0.5 s"),
        (send(HEAD + b"Content-Length: 99\r\n\r\n", *[b"x"] * 30, pause_s=0.1), "took longer than 0.5 s"),
        (send(HEAD + b"Content-Length: 99\r\n\r\n{}"), "broke off"),
        (send(b"not http\r\n\r\n"), "does not answer"),
        (send(CHUNKED, *[PIECE] * 20), "more than 1000000 bytes"),
    ],
    ids=["silent", "trickling", "broken off", "not http", "giant, without a length"],
)
def test_every_wait_and_every_answer_is_bounded(talk: Any, told: str) -> None:
    with talk_raw(talk) as port:
        prometheus = Prometheus(f"http://127.0.0.1:{port}", timeout_s=0.5, max_bytes=1_000_000)
        started = time.monotonic()
        with pytest.raises(Exception, match=told):
            prometheus.ask("query", [("query", "up")])
        assert time.monotonic() - started < 1.5


def test_so_many_at_once_and_no_more(upstream: Shop) -> None:
    prometheus = Prometheus(upstream.url, timeout_s=0.2, at_once=1)
    with prometheus._take_turn(), pytest.raises(Exception, match="too many questions"):
        prometheus.ask("query", [("query", "up")])
    assert prometheus.ask("query", [("query", "up")])
    assert 1 < AT_ONCE < 20


def test_pages_and_their_files(console: Console) -> None:
    pages = [console.get(path) for path in ("/dashboards", "/dashboards/shop-pools", "/dashboards/runbooks/PoolFull")]
    policies = {page.headers["Content-Security-Policy"] for page in pages}
    assert len(policies) == 3, "a nonce is for one page"
    for page in pages:
        nonce = page.text.partition('content="')[2].partition('"')[0]
        policy = page.headers["Content-Security-Policy"]
        assert f"style-src 'self' 'nonce-{nonce}'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
    listed = console.get("/dashboards/api/definitions").get_json()
    assert listed == [{"uid": "shop-pools", "title": "Pools", "description": None, "tags": None}]
    assert console.get("/dashboards/api/definitions/shop-pools").get_json()["title"] == "Pools"
    assert console.get("/dashboards/api/runbooks/PoolFull").text == "# PoolFull"
    plain = console.get("/dashboards/assets/page-1a2b.js", None)
    assert (plain.text, plain.content_type) == ("export const page = 1;", "text/javascript; charset=utf-8")
    assert "immutable" in plain.headers["Cache-Control"]
    packed = console.get("/dashboards/assets/page-1a2b.js", None, headers={"Accept-Encoding": "br, gzip"})
    assert (packed.text, packed.headers["Content-Encoding"]) == ("packed", "br")
    assert packed.content_type == plain.content_type


ABSENT = [
    "assets/../secret.json",
    "assets/%2e%2e/secret.json",
    "assets/absent.js",
    "api/definitions/absent",
    "api/definitions/..%2fsecret",
    "api/definitions/%2e%2e",
    "api/runbooks/..%2f..%2fREADME",
    "api/nothing",
]


def test_no_other_file_is_served(console: Console) -> None:
    for path in ABSENT:
        assert console.get(f"/dashboards/{path}").status_code == 404


@pytest.mark.parametrize(("url", "directory"), [("", "pages"), ("http://127.0.0.1:1", "")])
def test_without_its_settings_it_says_which(
    database_url: str, redis_url: str, pages: Path, url: str, directory: str
) -> None:
    with open_console(database_url, redis_url, url, pages if directory else "") as console:
        told = expect_problem(console.get("/dashboards"), 404, "not_found")
        assert told.endswith("PALMONAS_PREVIEW_DIR not set" if url else "PALMONAS_PROMETHEUS_URL not set")
        if not url:
            expect_problem(ask(console), 503, "prometheus_unavailable")


def test_a_real_prometheus(database_url: str, redis_url: str, tmp_path: Path) -> None:
    program = find_executable("prometheus")
    assert program is not None, "make tools installs it"
    port = find_free_port()
    (tmp_path / "prometheus.yml").write_text(
        "scrape_configs: [{job_name: self, scrape_interval: 1s, "
        f"static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]"
    )
    command = [program, f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path}/data"]
    server = subprocess.Popen(
        [*command, f"--config.file={tmp_path}/prometheus.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with open_console(database_url, redis_url, f"http://127.0.0.1:{port}") as console:
            deadline = time.monotonic() + 30
            while not (console.get(f"{API}/query?query=up").get_json().get("data") or {}).get("result"):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            now = time.time()
            times = {"start": now - 60, "end": now}
            found = ask(console, query="up", **times, step=1).get_json()["data"]["result"]
            assert found[0]["metric"]["job"] == "self"
            assert ask(console, "label/job/values", **times).get_json()["data"] == ["self"]
            assert "job" in ask(console, "labels", **times).get_json()["data"]
            assert len(ask(console, "series", **{"match[]": "up"}, **times).get_json()["data"]) == 1
            assert "parse error" in expect_problem(ask(console, "query", query="up{"), 400, "malformed")
    finally:
        server.terminate()
        server.wait(10)
