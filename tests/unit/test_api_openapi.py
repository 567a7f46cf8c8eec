"""The description of the API: valid OpenAPI 3.1, and as complete as the routes."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from app.api import audit_log, exports, openapi, orders, quarantine, status_changes
from app.api.openapi import build_description
from app.api.policy import RowId, add_route, operations
from app.errors import Conflict


@pytest.fixture(scope="module")
def app() -> Flask:
    bare = Flask("bare", static_folder=None)
    bare.url_map.converters["rowid"] = RowId
    for module in (orders, status_changes, exports, audit_log, quarantine, openapi):
        module.register(bare)
    add_route(
        bare, "/hooks/<channel>", lambda channel: channel, methods=("POST",), policy="signed", summary="Take one",
        tag="hooks", body_types=("application/json",), errors=(Conflict,),
    )  # fmt: skip
    return bare


@pytest.fixture(scope="module")
def description(app: Flask) -> dict[str, Any]:
    return build_description(operations(app))


def test_the_description_is_valid(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(description).validate()


def test_every_route_is_described_with_its_security(app: Flask, description: dict[str, Any]) -> None:
    described = {
        (path, method): one for path, methods in description["paths"].items() for method, one in methods.items()
    }
    assert len(described) == sum(len(one.methods) for one in operations(app).values())
    for (path, method), one in described.items():
        public = path.startswith("/hooks")
        assert bool(one["security"]) != public, (method, path)
        assert ("401" in one["responses"]) != public, (method, path)
        assert one["summary"]


def test_parameters_say_what_is_taken(description: dict[str, Any]) -> None:
    listed = {one["name"]: one for one in description["paths"]["/orders"]["get"]["parameters"]}
    assert set(listed) == {
        "channel", "status", "channel_status", "text", "placed_from", "placed_to", "limit", "cursor"}  # fmt: skip
    assert listed["limit"]["schema"]["maximum"] == 200
    patch = description["paths"]["/orders/{order_id}/status"]["patch"]
    assert {(one["name"], one["in"], one["required"]) for one in patch["parameters"]} == {
        ("order_id", "path", True), ("If-Match", "header", True), ("X-CSRF-Token", "header", False)}  # fmt: skip
    assert {"200", "400", "401", "403", "404", "409", "412", "428", "503"} <= set(patch["responses"])


def test_money_is_a_string_in_the_description(description: dict[str, Any]) -> None:
    total = description["components"]["schemas"]["OrderAnswer"]["properties"]["total"]
    assert {one["type"] for one in total["anyOf"]} == {"string", "null"}
    assert '"number"' not in str(description["components"]["schemas"])


def test_a_model_of_a_route_that_is_added_appears() -> None:
    class Shape(BaseModel):
        side: int

    bare = Flask("bare", static_folder=None)
    add_route(bare, "/shape", lambda: "", policy="viewer", summary="A shape", tag="x", answers={200: Shape})
    described = build_description(operations(bare))
    assert described["components"]["schemas"]["Shape"]["properties"]["side"]["type"] == "integer"
