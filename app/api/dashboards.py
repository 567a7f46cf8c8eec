"""The pages under /dashboards: what grafana/dashboards holds, rendered with Grafana's published libraries.

The pages are built files (preview/); what they show comes from Prometheus, as far as `app.api.series` lets it.
"""

from __future__ import annotations

import logging
import re
import secrets
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Response

from app.api.console_pages import ONE_YEAR, send_packed
from app.api.policy import add_route
from app.api.requests import PAGE_HEADERS
from app.api.series import read_question
from app.config import Config
from app.errors import NotFound, PrometheusUnavailable, Unavailable
from app.outbound.prometheus import Prometheus

log = logging.getLogger(__name__)

FILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
NONCE = "{{nonce}}"  # in index.html, where the page's own scripts and styles are to get theirs
LISTED = ("uid", "title", "description", "tags")


class Preview:
    """The routes. Where the pages or Prometheus are not set, they say so."""

    def __init__(self, config: Config) -> None:
        self._directory = Path(config.preview_dir) if config.preview_dir else None
        self._prometheus = Prometheus(config.prometheus_url) if config.prometheus_url else None
        missing = [f"PALMONAS_{name}" for name in ("PREVIEW_DIR", "PROMETHEUS_URL") if not config.get(name)]
        self._off = f"there are no dashboards here: {' and '.join(missing)} not set" if missing else ""

    def get_dashboards(self) -> Response:
        """The page, for every address of it: it looks itself at where it is."""
        page = self._read("index.html").decode()
        nonce = secrets.token_urlsafe(16)
        response = Response(page.replace(NONCE, nonce), content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = make_content_policy(nonce)
        return response

    def get_dashboard(self, uid: str) -> Response:
        return self.get_dashboards()

    def get_runbook_page(self, name: str) -> Response:
        return self.get_dashboards()

    def list_definitions(self) -> Response:
        found = [orjson.loads(path.read_bytes()) for path in sorted((self._find() / "dashboards").glob("*.json"))]
        return _answer(orjson.dumps([{key: one.get(key) for key in LISTED} for one in found]))

    def get_definition(self, uid: str) -> Response:
        return _answer(self._read("dashboards", uid, ".json"))

    def get_runbook(self, name: str) -> Response:
        return _answer(self._read("runbooks", name, ".md"), "text/plain; charset=utf-8")

    def get_dashboard_asset(self, name: str) -> Response:
        """A file of the pages, packed where the browser takes it and it was packed when it was built."""
        response = send_packed(self._find() / "assets", name)
        response.headers["Cache-Control"] = ONE_YEAR
        return response

    def ask_prometheus(self, path: str) -> Response:
        """The answer of Prometheus as it is. Raises what `read_question` and `Prometheus.ask` raise."""
        if self._prometheus is None:
            raise PrometheusUnavailable(self._off)
        method, parameters = read_question(path)
        try:
            response = _answer(self._prometheus.ask(path, parameters, method=method))
        except Unavailable as error:
            log.warning("prometheus_failed", extra={"path": path, "reason": error.detail})
            raise
        for name, value in PAGE_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _find(self) -> Path:
        if self._off or self._directory is None:
            raise NotFound(self._off)
        return self._directory

    def _read(self, place: str, name: str = "", ending: str = "") -> bytes:
        """Raises NotFound; `name` comes from the caller, the rest from here."""
        directory = self._find()
        if name and not FILE_NAME.fullmatch(name):
            raise NotFound("there is no such page")
        try:
            return (directory / place / f"{name}{ending}" if name else directory / place).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("there is no such page") from error


def register(app: Flask, config: Config) -> None:
    preview = Preview(config)
    common: dict[str, Any] = {"tag": "dashboards", "documented": False}
    for rule, view, summary in (
        ("/dashboards", preview.get_dashboards, "The dashboards as pages"),
        ("/dashboards/<uid>", preview.get_dashboard, "One dashboard as a page"),
        ("/dashboards/runbooks/<name>", preview.get_runbook_page, "A runbook as a page"),
        ("/dashboards/api/definitions", preview.list_definitions, "Titles of the dashboards"),
        ("/dashboards/api/definitions/<uid>", preview.get_definition, "One dashboard as JSON"),
        ("/dashboards/api/runbooks/<name>", preview.get_runbook, "A runbook as Markdown"),
    ):
        add_route(app, rule, view, policy="viewer", summary=summary, browser=True, **common)
    add_route(
        app,
        "/dashboards/assets/<path:name>",
        preview.get_dashboard_asset,
        policy="public",
        summary="Files of the pages",
        **common,
    )
    add_route(
        app,
        "/dashboards/api/prometheus/<path:path>",
        preview.ask_prometheus,
        policy="viewer",
        summary="A question to Prometheus",
        methods=("GET", "POST"),
        read_only=True,
        # How long Prometheus takes is not how well the API works: rules and alerts count the tracked routes.
        tracked=False,
        browser=True,
        **common,
    )


def make_content_policy(nonce: str) -> str:
    """Scripts are files; Grafana's libraries make style elements, which carry the page's nonce."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:;"
        " font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _answer(body: bytes, content_type: str = "application/json") -> Response:
    return Response(body, content_type=content_type)
