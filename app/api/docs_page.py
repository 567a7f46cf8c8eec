"""The page /docs: Swagger UI over /openapi.json, all of it served from here."""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Flask, Response, current_app, send_from_directory

from app.api.policy import add_route

DISTRIBUTION = Path(flask_swagger_ui.__file__).parent / "dist"
# Swagger UI sets style attributes; its scripts are files, and so is our start of it.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def register(app: Flask) -> None:
    add_route(
        app,
        "/docs",
        get_docs,
        policy="viewer",
        tag="description",
        summary="The description as a page",
        browser=True,
        documented=False,
    )
    add_route(
        app,
        "/docs/assets/<path:name>",
        get_docs_asset,
        policy="public",
        tag="description",
        summary="Files of the page",
        documented=False,
    )


def get_docs() -> Response:
    response = current_app.send_static_file("docs.html")
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


def get_docs_asset(name: str) -> Response:
    return send_from_directory(DISTRIBUTION, name)
