"""HTTP to a server of the operator's own, such as Prometheus: one deadline for a whole exchange, bounded answers.

Not a `Door`: that counts what it does as calls of a sales channel, and alerts watch those.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import ClassVar
from urllib.parse import urlsplit

from app.errors import BadGateway, Overloaded, Unavailable
from app.outbound.connecting import CutOff, Deadline, connect
from app.outbound.door import CHUNK, PORTS, STANDING_HEADERS, make_tls


@dataclass(frozen=True, slots=True)
class Reply:
    """Any answer, whatever its status."""

    status: int
    content_type: str
    body: bytes


class OwnServer:
    """The server at `base_url`, which may be private and plain http: it is the operator's own setting.

    `timeout_s` bounds a whole exchange, from the name to the last byte; `max_bytes` the body of an answer, `at_once`
    how many are under way.
    """

    name: ClassVar[str]
    unavailable: ClassVar[type[Unavailable]]

    def __init__(self, base_url: str, *, timeout_s: float, max_bytes: int, at_once: int) -> None:
        self._url = urlsplit(base_url)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._turns = threading.BoundedSemaphore(at_once)

    def exchange(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Raises `unavailable`, Overloaded, BadGateway (the answer is too large)."""
        deadline = Deadline(self._timeout_s)
        with self._take_turn():
            try:
                reply = self._talk(method, path, body, headers or {}, deadline)
                deadline.check()  # a connection cut at its deadline looks like an answer that has ended
            except (OSError, HTTPException, Unavailable) as error:
                if deadline.passed or isinstance(error, TimeoutError):
                    raise self.unavailable(f"{self.name} took longer than {self._timeout_s:g} s") from None
                if isinstance(error, Unavailable):
                    raise
                raise self.unavailable(f"{self.name} does not answer ({type(error).__name__})") from None
        return reply

    @contextmanager
    def _take_turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._timeout_s):
            raise Overloaded(f"too many questions to {self.name} at once; ask again")
        try:
            yield
        finally:
            self._turns.release()

    def _talk(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], deadline: Deadline
    ) -> Reply:
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
            connection.request(method, f"{self._url.path}{path}", body=body, headers={**STANDING_HEADERS, **headers})
            response = connection.getresponse()
            try:
                return self._read(response)
            finally:
                response.close()
        finally:
            connection.close()
            if cut_off:
                cut_off.close()

    def _read(self, response: HTTPResponse) -> Reply:
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
            raise self.unavailable(f"{self.name} broke off in its answer")
        return Reply(response.status, response.headers.get_content_type(), b"".join(parts))
