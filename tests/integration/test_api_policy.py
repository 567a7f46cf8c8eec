"""Who may do what: every route of the real application against every role."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.api.policy import check_policies
from app.api.sessions import COOKIE
from app.store.tokens import ROLES, revoke_token
from tests.api_console import Browser, Console, insert_delivery, insert_order, run_console, run_sql

# What the routes are meant to be, written down apart from their declarations.
POLICIES = {
    "/webhooks/<channel>": "signed",
    "/livez": "public",
    "/readyz": "public",
    "/health": "public",
    "/static/<path:filename>": "public",
    "/docs/assets/<path:name>": "public",
    "/": "public",
    "/console/": "public",
    "/console/<path:path>": "public",
    "/console/assets/<path:name>": "public",
    "/session": "viewer",  # but for POST, which is how one gets in
    "/sessions": "viewer",
    "/docs": "viewer",
    "/openapi.json": "viewer",
    "/dashboards": "viewer",
    "/dashboards/<uid>": "viewer",
    "/dashboards/runbooks/<name>": "viewer",
    "/dashboards/api/definitions": "viewer",
    "/dashboards/api/definitions/<uid>": "viewer",
    "/dashboards/api/runbooks/<name>": "viewer",
    "/dashboards/api/prometheus/<path:path>": "viewer",
    "/dashboards/assets/<path:name>": "public",
    "/orders": "viewer",
    "/orders/<rowid:order_id>": "viewer",
    "/orders/<rowid:order_id>/status": "operator",
    "/orders/statuses": "operator",
    "/orders.csv": "viewer",
    "/audit": "admin",
    "/channels": "viewer",
    "/operations": "viewer",
    "/operations/series": "viewer",
    "/operations/events": "viewer",
    "/operations/silences": "operator",
    "/operations/silences/<silence_id>": "operator",
    "/runbooks/<alert>": "viewer",
    "/quarantine": "viewer",
    "/quarantine/<rowid:inbox_id>": "viewer",
    "/quarantine/<rowid:inbox_id>/replay": "operator",
    "/quarantine/<rowid:inbox_id>/discard": "operator",
}
UNKNOWN_TOKEN = "plm_" + "A" * 43
UNKNOWN_SESSION = "A" * 43
SESSION_ROUTES = ("/session", "/sessions")
# What those who may use a route get, where it is not a plain 200.
ANSWERS = {
    "/webhooks/<channel>": {415},  # no signature and no body: refused by the view itself
    "/livez": {200},
    "/readyz": {200, 503},
    "/health": {200, 503},
    "/quarantine/<rowid:inbox_id>/replay": {202},
    **{rule: {404, 503} for rule in POLICIES if rule.startswith("/dashboards")},  # off without its settings
    **{rule: {404} for rule in POLICIES if rule.startswith("/console")},  # the same
    "/": {302},
    "/session": {401, 415},  # a token has no session; no body
    "/sessions": {401},
    # without Prometheus and Alertmanager
    "/operations/series": {503},
    "/operations/silences": {503},
    "/operations/silences/<silence_id>": {503},
    "/rq/requeue/<queue_name>": {200, 405},  # GET is refused
    "/rq/<int:instance_number>/": {200, 404},
}


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url, settings={"EVENT_STREAM_S": "0"}) as running:
        yield running


def find_policy(rule: Rule, method: str = "GET") -> str:
    if (rule.rule, method) == ("/session", "POST"):
        return "public"
    return "admin" if rule.rule.startswith("/rq/") else POLICIES[rule.rule]


def make_failed_job(console: Console, queue_name: str = "tasks") -> str:
    client = console.services.queue.redis
    queue = Queue(queue_name, connection=client, serializer=JSONSerializer)
    job = Job.create("worker.jobs.prune", connection=client, serializer=JSONSerializer, origin=queue_name)
    job.save()
    job.set_status(JobStatus.FAILED)
    FailedJobRegistry(queue=queue).add(job, ttl=600, exc_string="ValueError")
    return job.id


def walk_routes(console: Console, database_url: str) -> Iterator[tuple[Rule, str, str, dict[str, Any]]]:
    """Each rule and method with a path and a body that work for those who may use them."""
    for rule in console.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            arguments: dict[str, Any] = {
                "channel": "shopify",
                "filename": "docs.js",
                "name": "swagger-ui.css",
                "instance_number": 0,
                "queue_name": "tasks",
                "registry_name": "failed",
                "per_page": 5,
                "order": "asc",
                "page": 1,
                "uid": "palmonas-overview",
                "path": "query",
                "alert": "Watchdog",
                "silence_id": "x",
            }
            request: dict[str, Any] = {}
            if rule.endpoint == "rq_dashboard.static":
                arguments["filename"] = "css/main.css"
            if "order_id" in rule.arguments:
                external_id = f"{rule.endpoint}-{method}"
                arguments["order_id"] = insert_order(database_url, external_id)
            if "inbox_id" in rule.arguments:
                arguments["inbox_id"] = insert_delivery(database_url, f"{rule.endpoint}-{method}")
            if "job_id" in rule.arguments:
                arguments["job_id"] = make_failed_job(console)
            if rule.endpoint == "post_silence":
                request = {"json": {"matchers": {"alertname": "X"}, "minutes": 1, "reason": "test"}}
            if rule.endpoint == "patch_order_status":
                request = {"json": {"status": "processing"}, "headers": {"If-Match": '"1"'}}
            if rule.endpoint == "post_order_statuses":
                request = {"json": {"status": "processing", "orders": [{"id": 1, "revision": 1}]}}
            built = rule.build({name: arguments[name] for name in rule.arguments})
            assert built is not None
            yield rule, method, built[1], request


def test_the_routes_are_those_that_are_meant_to_be(console: Console) -> None:
    found = {rule.rule for rule in console.app.url_map.iter_rules() if not rule.rule.startswith("/rq/")}
    assert found == set(POLICIES)
    assert any(rule.rule.startswith("/rq/") for rule in console.app.url_map.iter_rules())


@pytest.mark.parametrize("by", ["token", "session"])
@pytest.mark.parametrize("role", [None, UNKNOWN_TOKEN, *ROLES])
def test_every_route_answers_every_role_as_its_policy_says(
    console: Console, database_url: str, role: str | None, by: str
) -> None:
    rank = ROLES.index(role) if role in ROLES else -1
    browser = Browser(console.client())
    if by == "session" and rank >= 0:
        browser = console.log_in(ROLES[rank])
    elif by == "session" and role:
        browser.client.set_cookie(COOKIE, UNKNOWN_SESSION)

    def call(method: str, path: str, request: dict[str, Any]) -> TestResponse:
        if by == "token":
            return console.call(method, path, role, **request)
        return browser.call(method, path, **request)

    for rule, method, path, request in walk_routes(console, database_url):
        policy = find_policy(rule, method)
        if rule.rule in SESSION_ROUTES and by == "session" and rank >= 0:
            continue  # they end it: test_sessions
        answer = call(method, path, request)
        if answer.status_code == 308:  # the router's, to the short form of the same page
            answer = call(method, answer.location, request)
        where = (method, rule.rule, role, answer.status_code, answer.data[:200])
        if policy not in ROLES or rank >= ROLES.index(policy):
            assert answer.status_code in ANSWERS.get(rule.rule, {200}), where
        elif rank < 0:
            assert answer.status_code == 401, where
            assert answer.headers["WWW-Authenticate"].endswith('realm="palmonas"')
        else:
            assert answer.status_code == 403, where


def test_options_and_head_ask_for_a_token_too(console: Console) -> None:
    for method in ("OPTIONS", "HEAD"):
        assert console.call(method, "/orders", None).status_code == 401
        assert console.call(method, "/orders").status_code == 200


def test_a_route_without_a_policy_stops_the_start() -> None:
    app = Flask("bare", static_folder=None)
    app.add_url_rule("/secret", "secret", lambda: "x")
    with pytest.raises(RuntimeError, match="/secret"):
        check_policies(app)


def test_roles_apart_serve_only_their_own(database_url: str, redis_url: str) -> None:
    with run_console(database_url, redis_url, roles="accept") as accept:
        rules = {rule.rule for rule in accept.app.url_map.iter_rules()}
        assert rules == {"/webhooks/<channel>", "/livez", "/readyz", "/health"}
    with run_console(database_url, redis_url, roles="console", tokens=False) as console:
        assert "/webhooks/<channel>" not in {rule.rule for rule in console.app.url_map.iter_rules()}


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "bearer plm_x", "Token plm_x", "Bearer plm_" + "A" * 5000, "Basic !!!",
     "Bearer plm_'; DROP TABLE api_tokens; --"],
)  # fmt: skip
def test_what_is_no_token_is_401(console: Console, header: str) -> None:
    assert console.client().get("/orders", headers={"Authorization": header}).status_code == 401


def test_a_revoked_token_ends_at_once_and_only_its_hash_is_stored(console: Console, database_url: str) -> None:
    token = console.tokens["viewer"]
    assert len(token) == 47
    stored = run_sql(database_url, "SELECT api_tokens::text FROM api_tokens")
    assert not any(token in row[0] or token[4:] in row[0] for row in stored)
    assert console.get("/orders").status_code == 200
    revoke_token(console.services.pool, "viewer-1")
    assert console.get("/orders").status_code == 401


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"x:{token}".encode()).decode()}


def test_a_browser_may_use_basic_on_pages_and_only_there(console: Console) -> None:
    admin = basic(console.tokens["admin"])
    for path in ("/docs", "/openapi.json", "/rq/"):
        assert console.get(path, None, headers=admin).status_code == 200
        assert console.get(path, None).headers["WWW-Authenticate"].startswith("Basic")
        asked_by_script = console.client().get(path, headers={"Sec-Fetch-Mode": "cors"})
        assert asked_by_script.headers["WWW-Authenticate"].startswith("Bearer")
    assert console.get("/orders", None, headers=admin).status_code == 401
    assert console.get("/orders", None).headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("sent", "allowed"),
    [({}, False), ({"Origin": "https://evil.example"}, False), ({"Origin": "null"}, False),
     ({"Sec-Fetch-Site": "cross-site"}, False), ({"Sec-Fetch-Site": "same-site"}, False),
     ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
     ({"Origin": "http://localhost"}, True), ({"Sec-Fetch-Site": "same-origin"}, True)],
)  # fmt: skip
def test_another_site_cannot_act_with_a_browsers_credentials(
    console: Console, sent: dict[str, str], allowed: bool
) -> None:
    job_id = make_failed_job(console)
    headers = basic(console.tokens["admin"]) | sent
    answer = console.client().post(f"/rq/job/{job_id}/delete", headers=headers)
    assert answer.status_code == (200 if allowed else 403)
    assert Job.exists(job_id, connection=console.services.queue.redis) != allowed
    assert console.client().get("/rq/requeue/tasks", headers=headers).status_code == 405


def test_a_bearer_token_needs_no_origin(console: Console) -> None:
    answer = console.call("POST", f"/rq/job/{make_failed_job(console)}/delete", "admin")
    assert answer.status_code == 200
