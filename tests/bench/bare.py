"""The smallest WSGI application: the yardstick of the accept path."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def ok(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
