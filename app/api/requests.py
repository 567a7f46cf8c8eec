"""What happens around every request: its id, its measurement, its log line, the headers of its answer."""

from __future__ import annotations

import ipaddress
import logging
import re
import secrets
import time
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Request, Response, g, request
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics

from app.api.policy import current_operation
from app.api.services import services
from app.log import request_id
from app.telemetry import REQUEST_BUCKETS

log = logging.getLogger("app.api")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "(unmatched)"

PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def begin_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    g.started = time.perf_counter()
    request_id.set(g.request_id)
    if request.method not in METHODS:
        # The method becomes a label: callers must not be able to invent values. It gets its 405 all the same.
        request.method = "OTHER"


def finish_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    if "Location" in response.headers:
        response.headers["Location"] = keep_path(response.headers["Location"])
    operation = current_operation()
    if operation is not None and not operation.tracked:
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
    for name, value in PAGE_HEADERS.items():
        response.headers.setdefault(name, value)
    log.info(
        "http_request",
        extra={
            "method": request.method,
            "rule": url_rule(request),
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.started) * 1000, 1),
        },
    )
    return response


def keep_path(location: str) -> str:
    """Where to go on this server: the host of a request is the caller's to choose, and must not be echoed."""
    parts = urlsplit(location)
    return urlunsplit(("", "", "/" + parts.path.lstrip("/"), parts.query, ""))


def client_address() -> str | None:
    """The address that asks: the socket's, or what a trusted front door says of it. None when neither is an address.

    The last of X-Forwarded-For is the front door's own word; what stands before it came from the sender.
    """
    peer = _read_address(request.remote_addr or "")
    trusted = services().config.trusted_proxies
    if peer is None or not any(peer in ipaddress.ip_network(one) for one in trusted):
        return str(peer) if peer else None
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return str(_read_address(told) or peer)


def _read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped if found.version == 6 else None) or found


def end_request(_: BaseException | None) -> None:
    # A kept connection's greenlet serves the next request, too.
    request_id.set("")


def measure_requests(app: Flask, registry: CollectorRegistry) -> None:
    """Flask's routes by method, rule and status; routes that are not `tracked` measure themselves."""
    PrometheusMetrics(app, path=None, group_by=url_rule, buckets=REQUEST_BUCKETS, registry=registry)


def url_rule(asked: Request) -> str:
    """The label of a request: its rule, and one fixed value for everything that matches none.

    The exporter takes the label's name from this function's.
    """
    return asked.url_rule.rule if asked.url_rule else UNMATCHED
