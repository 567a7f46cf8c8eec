"""What every route has in common: headers, redirects, data that stays data, and secrets that are nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from app.api.policy import operations
from app.store.users import create_user
from tests.api_console import Console, insert_delivery, insert_order, run_console, run_sql
from tests.integration.conftest import StartService, open_pool
from tests.integration.test_api_policy import walk_routes

SCRIPT = "<script>alert(1)</script>\"'`${7*7}{{7*7}}\u202e"
SQL = (
    "'",
    "' OR '1'='1",
    "'; DROP TABLE orders; --",
    "%",
    "_%",
    "\\",
    "%%s",
    "%(id)s",
    "\u0000",
    "1e400",
    "NaN",
    "-1",
    "0x1",
)


@pytest.fixture
def console(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Console]:
    """With pages, as if they had been built."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Palmonas</title>", encoding="utf-8")
    (tmp_path / "assets" / "main.js").write_text("export {}", encoding="utf-8")
    (tmp_path / "theme.js").write_text("export {}", encoding="utf-8")
    with run_console(database_url, redis_url, settings={"CONSOLE_DIR": str(tmp_path)}) as running:
        yield running


def test_every_answer_has_the_security_headers(console: Console, database_url: str) -> None:
    routes = list(walk_routes(console, database_url))
    for role in (None, "viewer", "admin"):
        for rule, method, path, request in routes:
            if rule.rule.startswith("/operations/events"):
                continue  # a stream; its headers are those of test_operations_events
            answer = console.call(method, path, role, **request)
            where = (method, rule.rule, role, answer.status_code)
            assert answer.headers["X-Content-Type-Options"] == "nosniff", where
            assert answer.headers["X-Request-Id"], where
            assert "Server" not in answer.headers, where
            operation = operations(console.app)[rule.endpoint]
            if not operation.tracked:  # asked by machines, or by a page's script: JSON, never a document
                assert answer.mimetype in ("application/json", "application/problem+json"), where
                continue
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'"), where
            assert "frame-ancestors 'none'" in policy, where
            assert answer.headers["Referrer-Policy"] == "no-referrer", where
            scripts = re.search(r"script-src ([^;]*)", policy)
            assert "'unsafe-inline'" not in (scripts[1] if scripts else ""), where
            if not rule.rule.startswith("/rq"):
                assert "'unsafe-eval'" not in policy, where
            if operation.needs_token:
                assert answer.headers["Cache-Control"] in ("no-store", "no-cache"), where  # files of pages: no-cache


def test_no_route_changes_anything_for_a_cookie_without_its_token(console: Console, database_url: str) -> None:
    browser = console.log_in("admin")
    asked = []
    for rule, method, path, request in walk_routes(console, database_url):
        operation = operations(console.app)[rule.endpoint]
        if method == "GET" or not operation.needs_token or operation.read_only:
            continue
        headers = {**request.pop("headers", {}), "X-CSRF-Token": ""}
        answer = browser.call(method, path, headers=headers, **request)
        assert (answer.status_code, answer.mimetype) == (403, "application/problem+json"), (method, rule.rule)
        asked.append(rule.rule)
    assert {"/orders/statuses", "/sessions", "/rq/job/<job_id>/delete"} <= set(asked)


def test_the_pages_are_served_as_they_are_built(console: Console) -> None:
    def get(path: str) -> Any:
        return console.client().get(path, buffered=True)

    for path in (
        "/console/",
        "/console/login",
        "/console/orders/7",
        "/console/../../etc/passwd",
        "/console/index.html",
    ):
        page = get(path)
        assert (page.status_code, page.mimetype, page.headers["Cache-Control"]) == (200, "text/html", "no-cache"), path
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert b"<title>Palmonas" in page.data
    assert (get("/").status_code, get("/").location) == (302, "/console/")
    script = get("/console/assets/main.js")
    assert (script.mimetype, script.headers["Cache-Control"]) == (
        "text/javascript", "public, max-age=31536000, immutable")  # fmt: skip
    assert get("/console/theme.js").mimetype == "text/javascript"
    for path in ("/console/assets/absent.js", "/console/assets/../index.html", "/console/assets/%2e%2e/index.html"):
        assert get(path).status_code == 404, path
    for name in ("n" * 300, "n%00n"):  # no file system has such names
        assert get(f"/console/{name}").status_code == 200
        packed = console.client().get(f"/console/assets/{name}", headers={"Accept-Encoding": "br"})
        assert packed.status_code == 404


def test_pages_without_a_login_lead_to_it_and_back_and_nowhere_else(console: Console) -> None:
    for path in ("/rq/", "/docs", "/dashboards", "/dashboards/palmonas-pools?from=now-1h&to=now"):
        host = {"Accept": "text/html,*/*", "Host": "evil.example"}
        answer = console.client().get(path, headers=host, buffered=True)
        assert answer.status_code == 303, path
        to = urlsplit(answer.location)
        assert (to.scheme, to.netloc, to.path) == ("", "", "/console/login")
        assert parse_qs(to.query) == {"next": [path]}
    for path in ("//evil.example/rq/", "/\\evil.example", "/rq//evil.example", "/docs/%2F%2Fevil.example"):
        answer = console.client().get(path, headers={"Accept": "text/html"}, buffered=True)
        if "Location" in answer.headers:
            to = urlsplit(answer.location)
            assert (to.scheme, to.netloc) == ("", ""), path
            assert re.match(r"/[^/]", to.path), path
            wanted = parse_qs(to.query).get("next", ["/"])[0]
            assert re.match(r"/[^/\\]", wanted), path
    # a program, or who gave credentials, is told so
    assert console.client().get("/docs").status_code == 401
    wrong = {"Accept": "text/html", "Authorization": "Bearer plm_x"}
    assert console.client().get("/docs", headers=wrong).status_code == 401
    assert console.client().get("/orders", headers={"Accept": "text/html"}).status_code == 401


def test_a_session_opens_the_pages_that_a_token_opens(console: Console) -> None:
    admin, viewer = console.log_in("admin"), console.log_in("viewer")
    assert [admin.get(path).status_code for path in ("/rq/", "/docs", "/openapi.json")] == [200, 200, 200]
    assert [viewer.get(path).status_code for path in ("/rq/", "/docs", "/openapi.json")] == [403, 200, 200]
    page = admin.get("/rq/").text
    assert f'<meta name="csrf-token" content="{admin.csrf}">' in page
    assert admin.call("POST", "/rq/requeue/tasks").status_code == 200
    assert admin.call("POST", "/rq/requeue/tasks", headers={"X-CSRF-Token": ""}).status_code == 403


def test_a_customers_script_stays_data(console: Console, database_url: str) -> None:
    text = {name: f"{name} {SCRIPT}" for name in (
        "number", "customer_external_id", "customer_name", "customer_email", "customer_phone", "note")}  # fmt: skip
    order = insert_order(
        database_url, SCRIPT, **text, billing_address=f'{{"name": "{"<script>x</script>"}"}}'
    )  # fmt: skip
    delivery = insert_delivery(database_url, SCRIPT, topic=SCRIPT, error=SCRIPT, payload=SCRIPT)
    one = console.get(f"/orders/{order}")
    assert one.mimetype == "application/json"
    assert {name: one.json[name] for name in text} == text
    assert one.json["billing_address"] == {"name": "<script>x</script>"}
    assert console.get("/orders").json["orders"][0]["customer_name"] == text["customer_name"]
    aside = console.get(f"/quarantine/{delivery}?payload=true", "admin")
    assert (aside.mimetype, aside.json["payload"], aside.json["error"]) == ("application/json", SCRIPT, SCRIPT)
    export = console.get("/orders.csv")
    assert export.headers["Content-Disposition"].startswith("attachment")
    assert SCRIPT.replace('"', '""') in export.text


def test_sql_in_any_filter_is_text_or_refused(console: Console, database_url: str) -> None:
    insert_order(database_url, "kept", customer_name="Jane Sample")
    asked = 0
    for operation in operations(console.app).values():
        if not operation.query or "GET" not in operation.methods or not operation.documented:
            continue
        if "<" in operation.rule or operation.rule.startswith(("/operations", "/channels", "/session")):
            continue
        for name in operation.query.model_fields:
            for value in SQL:
                answer = console.get(f"{operation.rule}?{name}={quote(value)}", "admin")
                assert answer.status_code in (200, 400), (operation.rule, name, value, answer.status_code)
                if not name.startswith("placed_"):  # a number is a time, too
                    assert "kept" not in answer.text, (operation.rule, name, value)
                asked += 1
    for path in ("/orders/{}", "/quarantine/{}"):
        for value in SQL:
            assert console.get(path.format(quote(value, safe="")), "admin").status_code == 404
    assert asked > 100
    assert run_sql(database_url, "SELECT count(*) FROM orders") == [(1,)]


def test_no_secret_and_no_personal_data_in_logs_errors_and_metrics(
    start_service: StartService, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    from app.passwords import hash_password

    canaries = {
        "password": "canary password of jane",
        "wrong": "canary wrong password",
        "email": "canary-jane@shop.example",
        "other": "canary-other@shop.example",
        "name": "Canary Sample",
    }
    pool = open_pool(database_url, size=1)
    create_user(pool, canaries["email"], "admin", hash_password(canaries["password"]), "request-user")
    pool.close()
    order = insert_order(database_url, "canary", customer_name=canaries["name"], customer_email=canaries["email"])
    service = start_service(database_url, redis_url)
    api = service.add_api()
    service.wait_ready()
    url = f"http://127.0.0.1:{api.port}"
    answers = [
        requests.post(f"{url}/session", json={"email": email, "password": password}, timeout=10)
        for email, password in ((canaries["email"], canaries["wrong"]), (canaries["other"], canaries["wrong"]),
                                (canaries["email"], canaries["password"]))
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [401, 401, 200]
    cookie = answers[2].headers["Set-Cookie"].partition(";")[0]
    csrf = answers[2].json()["csrf"]
    canaries |= {"session": cookie.partition("=")[2], "csrf": csrf}
    headers = {"Cookie": cookie, "Origin": url, "X-CSRF-Token": csrf}
    assert requests.get(f"{url}/orders/{order}?payload=true", headers=headers, timeout=10).status_code == 200
    assert requests.get(f"{url}/orders?text=Canary%20Sample", headers=headers, timeout=10).status_code == 200
    assert requests.get(f"{url}/orders.csv?text=Canary%20Sample", headers=headers, timeout=10).status_code == 200
    errors = [
        requests.get(f"{url}/orders?text={canaries['name']}&limit={canaries['name']}", headers=headers, timeout=10),
        requests.post(f"{url}/session", json={"email": canaries["email"], "password": 7}, timeout=10),
        requests.post(f"{url}/session", data="{" + canaries["wrong"], timeout=10),
        requests.delete(f"{url}/session", headers={"Cookie": cookie, "Origin": url, "X-CSRF-Token": "x"}, timeout=10),
        requests.patch(f"{url}/orders/{order}/status", json={"status": canaries["name"]}, headers=headers, timeout=10),
        *answers[:2],
    ]
    assert {answer.status_code for answer in errors} == {400, 401, 403, 415}
    metrics = requests.get(f"http://127.0.0.1:{api.metrics_port}/metrics", timeout=10).text
    api.stop()
    log = api.read_log()
    assert '"event":"http_request"' in log
    records = str(run_sql(database_url, "SELECT audit_log::text FROM audit_log"))
    for what, canary in canaries.items():
        for where, text in (("log", log), ("metrics", metrics), ("audit log", records),
                            ("errors", "".join(answer.text for answer in errors))):  # fmt: skip
            assert canary not in text, (what, where)
