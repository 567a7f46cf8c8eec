"""Every documented operation is asked what its description allows and what it forbids: no 5xx, nothing undocumented.

Alike with and without credentials. `SCHEMATHESIS_EXAMPLES` asks for more of each than CI does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api_console import ORIGIN, Browser, Console, insert_delivery, insert_order, run_console

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))  # of each operation, and as many again that do not fit
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance]
STREAM = "/operations/events"  # has no end to wait for: test_operations_events
NEVER_WRONG = ("/livez", "/readyz", "/health", "/webhooks/{channel}")  # nothing in a request is forbidden
# What answers 503 here as it is meant to: there is no Prometheus and no Alertmanager.
MAY_BE_UNAVAILABLE = ("/operations", "/health", "/readyz")


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(
        database_url, redis_url, settings={"LOGIN_TRIES_ACCOUNT": "1000", "LOGIN_TRIES_ADDRESS": "10000"}
    ) as running:
        for number in range(1, 4):
            insert_order(database_url, f"asked-{number}")
            insert_delivery(database_url, f"asked-{number}")
        yield running


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("who", ["nobody", "admin", "session"])
def test_every_operation_answers_as_it_is_described(console: Console, who: str, mode: GenerationMode) -> None:
    load_all_checks()
    schema = schemathesis.openapi.from_dict(console.get("/openapi.json").json)
    schema.config.update(base_url="http://localhost")
    schema.app = console.app
    headers, cookies = make_credentials(console, who)
    asked = 0
    answered: set[tuple[str, int]] = set()
    operations = [found.ok() for found in schema.get_all_operations()]
    # those of the session last: they end it
    for operation in sorted(operations, key=lambda one: one.path.startswith("/session")):
        if operation.path == STREAM or (mode is GenerationMode.NEGATIVE and operation.path in NEVER_WRONG):
            continue
        answered |= {(operation.path, status) for status in ask(operation, headers, cookies, mode)}
        asked += 1
    assert asked >= 15
    # not in vain: who may is answered, and what is wrong is found to be
    fits = 200 if mode is GenerationMode.POSITIVE else 400
    assert ("/orders", 401 if who == "nobody" else fits) in answered


def make_credentials(console: Console, who: str) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and cookies."""
    if who == "nobody":
        return {}, {}
    if who != "session":
        return {"Authorization": f"Bearer {console.tokens[who]}"}, {}
    browser: Browser = console.log_in("operator")
    cookie = browser.client.get_cookie("__Host-palmonas")
    assert cookie is not None
    return {"X-CSRF-Token": browser.csrf, "Origin": ORIGIN}, {cookie.key: cookie.value}


def ask(operation: Any, headers: dict[str, str], cookies: dict[str, str], mode: GenerationMode) -> set[int]:
    """The statuses that were answered."""
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        case.headers = {**(case.headers or {}), **headers}
        case.cookies = {**(case.cookies or {}), **cookies}
        response = case.call()
        statuses.add(response.status_code)
        checks = list(CHECKS)
        if not (response.status_code == 503 and operation.path.startswith(MAY_BE_UNAVAILABLE)):
            checks.append(not_a_server_error)
        case.validate_response(response, checks=checks)

    run()
    return statuses
