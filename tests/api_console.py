"""The real application over the real servers, and rows to read, for the tests of the console API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from app.api.application import create_app
from app.api.services import Services
from app.api.sessions import open_sessions
from app.config import Config
from app.health import HealthReport, Readiness
from app.passwords import hash_password
from app.queue import WorkQueue
from app.store.pool import Pool
from app.store.replica import Reads
from app.store.tokens import create_token
from app.store.users import create_user, list_users

SECRET = "c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5"  # no secret of anything that runs


PASSWORD = "three words of a test"  # of no account that runs
ORIGIN = "http://localhost"


@dataclass
class Browser:
    """A browser with its cookies. `csrf` is that of its session; what it sends comes from the console's own pages."""

    client: FlaskClient
    csrf: str = ""

    def call(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        headers = {"Origin": ORIGIN, "X-CSRF-Token": self.csrf} | dict(kwargs.pop("headers", {}))
        return self.client.open(path, method=method, headers=headers, buffered=True, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("GET", path, **kwargs)

    def log_in(self, email: str, password: str = PASSWORD, **kwargs: Any) -> TestResponse:
        answer = self.call("POST", "/session", json={"email": email, "password": password}, **kwargs)
        if answer.status_code == 200:
            self.csrf = answer.json["csrf"]
        return answer


@dataclass
class Console:
    """An application, the metrics it keeps, and a token of each role."""

    app: Flask
    services: Services
    registry: CollectorRegistry
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def make_user(self, role: str, email: str = "") -> str:
        """The e-mail address of a user of this role, who is made when there is none."""
        email = email or f"{role}@shop.example"
        if not any(one.email == email for one in list_users(self.services.pool)):
            create_user(self.services.pool, email, role, hash_password(PASSWORD), "request-user")
        return email

    def log_in(self, role: str, email: str = "") -> Browser:
        browser = Browser(self.client())
        answer = browser.log_in(self.make_user(role, email))
        assert answer.status_code == 200, answer.data
        return browser

    def call(self, method: str, path: str, role: str | None = "viewer", **kwargs: Any) -> TestResponse:
        headers = dict(kwargs.pop("headers", {}))
        if role is not None:
            headers.setdefault("Authorization", f"Bearer {self.tokens.get(role, role)}")
        return self.client().open(path, method=method, headers=headers, buffered=True, **kwargs)

    def get(self, path: str, role: str | None = "viewer", **kwargs: Any) -> TestResponse:
        return self.call("GET", path, role, **kwargs)


@contextmanager
def run_console(
    database_url: str,
    redis_url: str,
    *,
    roles: str = "accept,console",
    pool_size: int = 5,
    tokens: bool = True,
    settings: Mapping[str, str] | None = None,
    make_reads: Callable[[Pool], Reads] | None = None,
) -> Iterator[Console]:
    config = Config(
        {
            "PALMONAS_DATABASE_URL": database_url,
            "PALMONAS_REDIS_URL": redis_url,
            "PALMONAS_ROLES": roles,
            "PALMONAS_SHOPIFY_SECRETS": SECRET,
            "PALMONAS_STANDARD_SECRETS": f"whsec_{SECRET}",
            **{f"PALMONAS_{name}": value for name, value in (settings or {}).items()},
        }
    )
    pool = Pool(
        database_url,
        name="console",
        size=pool_size,
        timeout_s=5.0,
        connect_timeout_s=2.0,
        statement_timeout_s=3.0,
    )
    sessions = open_sessions(config)
    services = Services(
        config=config,
        pool=pool,
        queue=WorkQueue(redis_url, timeout_s=0.5, connect_timeout_s=0.5),
        accept=None,
        health=HealthReport({}),
        readiness=Readiness(),
        sessions=sessions,
        reads=make_reads(pool) if make_reads else None,
    )
    registry = CollectorRegistry()
    console = Console(create_app(services, registry), services, registry)
    if tokens:
        console.tokens = {role: create_token(pool, f"{role}-1", role) for role in ("viewer", "operator", "admin")}
    try:
        yield console
    finally:
        pool.close()
        services.queue.redis.close()
        sessions.client.close()


def run_sql(database_url: str, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def insert_order(database_url: str, external_id: str, **columns: Any) -> int:
    """One order of Shopify, paid, unless `columns` say otherwise; returns its id."""
    row = {
        "channel": "shopify",
        "external_id": external_id,
        "number": f"#{external_id}",
        "channel_status": "paid",
        "channel_version": "2026-03-01T10:00:00Z",
        "channel_rank": 30,
        "channel_delivery": "d-1",
        "placed_at": "2026-03-01T10:00:00Z",
        "currency": "EUR",
        "total": "19.90",
    } | columns
    names = ", ".join(row)
    holes = ", ".join(["%s"] * len(row))
    inserted = run_sql(database_url, f"INSERT INTO orders ({names}) VALUES ({holes}) RETURNING id", list(row.values()))
    return int(inserted[0][0])


def insert_delivery(database_url: str, delivery_id: str, **columns: Any) -> int:
    """One delivery in quarantine, unless `columns` say otherwise; returns its inbox id."""
    row = {
        "channel": "shopify",
        "delivery_id": delivery_id,
        "topic": "orders/create",
        "request_id": "request-0001",
        "state": "quarantined",
        "attempts": 5,
        "error": "PayloadError: line_items is missing",
        "payload": '{"id": 1}',
    } | columns
    names = ", ".join(row)
    holes = ", ".join(["%s"] * len(row))
    inserted = run_sql(database_url, f"INSERT INTO inbox ({names}) VALUES ({holes}) RETURNING id", list(row.values()))
    return int(inserted[0][0])
