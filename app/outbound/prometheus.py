"""Questions to Prometheus: one deadline for each, bounded answers, nothing of the caller's passed on.

Not a `Door`: that counts what it does as calls of a sales channel, and alerts watch those.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlencode, urlsplit

import orjson

from app.errors import BadGateway, Malformed, Overloaded, PrometheusUnavailable
from app.outbound.connecting import CutOff, Deadline, connect
from app.outbound.door import CHUNK, PORTS, STANDING_HEADERS, make_tls

TIMEOUT_S = 10.0
MAX_BYTES = 8 << 20  # a hundred lines of two thousand points are half of it
AT_ONCE = 8  # Prometheus works on 20 at once (--query.max-concurrency), and its rules need some
REFUSED = (400, 422)  # the query does not parse, or cannot be worked out


class Prometheus:
    """The Prometheus at `base_url`, which may be private and plain http: it is the operator's own setting.

    `timeout_s` bounds a whole question, from the name to the last byte; `max_bytes` the body of its answer.
    """

    def __init__(
        self, base_url: str, *, timeout_s: float = TIMEOUT_S, max_bytes: int = MAX_BYTES, at_once: int = AT_ONCE
    ) -> None:
        self._url = urlsplit(base_url)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._turns = threading.BoundedSemaphore(at_once)

    def ask(self, path: str, parameters: Sequence[tuple[str, str]], *, method: str = "POST") -> bytes:
        """The JSON that `path` (under /api/v1/) answers.

        Raises Malformed for what Prometheus refuses, PrometheusUnavailable, Overloaded, BadGateway.
        """
        deadline = Deadline(self._timeout_s)
        with self._take_turn():
            try:
                answer = self._talk(method, f"{self._url.path}/api/v1/{path}", urlencode(parameters), deadline)
                deadline.check()  # a connection cut at its deadline looks like an answer that has ended
            except (OSError, HTTPException, PrometheusUnavailable) as error:
                if deadline.passed or isinstance(error, TimeoutError):
                    raise PrometheusUnavailable(f"Prometheus took longer than {self._timeout_s:g} s") from None
                if isinstance(error, PrometheusUnavailable):
                    raise
                raise PrometheusUnavailable(f"Prometheus does not answer ({type(error).__name__})") from None
        return answer

    @contextmanager
    def _take_turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._timeout_s):
            raise Overloaded("too many questions to Prometheus at once; ask again")
        try:
            yield
        finally:
            self._turns.release()

    def _talk(self, method: str, path: str, encoded: str, deadline: Deadline) -> bytes:
        host, port = self._url.hostname or "", self._url.port or PORTS[self._url.scheme]
        plain = connect(host, port, deadline, allow_private=True)
        connection = HTTPConnection(host, port)
        connection.sock = plain
        cut_off = None
        try:
            cut_off = CutOff(plain, deadline)
            if self._url.scheme == "https":
                connection.sock = make_tls(None).wrap_socket(plain, server_hostname=host)
                connection.default_port = PORTS["https"]  # for the Host header
            if method == "GET":
                connection.request("GET", f"{path}?{encoded}", headers=STANDING_HEADERS)
            else:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", path, body=encoded.encode(), headers=STANDING_HEADERS | form)
            response = connection.getresponse()
            try:
                return self._read(response)
            finally:
                response.close()
        finally:
            connection.close()
            if cut_off:
                cut_off.close()

    def _read(self, response: HTTPResponse) -> bytes:
        declared = response.length
        parts, size = [], 0
        while size <= self._max_bytes and (part := response.read(CHUNK)):
            parts.append(part)
            size += len(part)
        if size > self._max_bytes or (declared or 0) > self._max_bytes:
            raise BadGateway(
                f"the answer has more than {self._max_bytes} bytes; ask for fewer series or a shorter time"
            )
        if declared is not None and size < declared:
            raise PrometheusUnavailable("Prometheus broke off in its answer")
        body, status = b"".join(parts), response.status
        if status in REFUSED:
            raise Malformed(f"Prometheus refuses this: {_read_reason(body)}")
        if status == 503:
            raise PrometheusUnavailable(f"Prometheus cannot answer now: {_read_reason(body)}")
        if status != 200 or response.headers.get_content_type() != "application/json":
            raise BadGateway(f"what was to be Prometheus answered with status {status} and no result")
        return body


def _read_reason(body: bytes) -> str:
    """The sentence of an error of Prometheus' API."""
    try:
        return str(orjson.loads(body)["error"])[:500]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "without a reason"
