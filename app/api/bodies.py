"""A deadline for the body of every request of the console, whoever reads it: our views, a form, rq-dashboard.

A client that sends a byte now and then would otherwise hold a connection, and with some hundreds of them all.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import gevent
from flask import request

from app.api.policy import current_operation
from app.errors import RequestTimeout


class BoundedBody(io.RawIOBase):
    """The body of one request, which must be read within `seconds` from now."""

    def __init__(self, body: Any, seconds: float) -> None:
        self._body = body
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises RequestTimeout."""
        try:
            with gevent.Timeout(max(0.001, self._end - time.monotonic())):
                part: bytes = self._body.read(len(buffer))
        except gevent.Timeout as error:
            raise RequestTimeout(f"the body did not arrive within {self._seconds:g} s") from error
        except OSError as error:
            raise RequestTimeout("the connection ended before the body was complete") from error
        buffer[: len(part)] = part
        return len(part)


def bound_bodies(seconds: float) -> Callable[[], None]:
    """A hook for before each request, before anything reads its body."""

    def bound_body() -> None:
        operation = current_operation()
        if operation is None or operation.policy != "signed":  # webhooks have a deadline of their own
            request.environ["wsgi.input"] = BoundedBody(request.environ["wsgi.input"], seconds)

    return bound_body
