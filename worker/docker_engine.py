"""A Docker engine, read over its unix socket: GET and nothing else, every wait bounded.

Paths carry no API version: the engine then answers as its own, and old and new ones are read alike.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

LARGEST_BYTES = 8 << 20  # an inspected container has some 10 KB, a list of hundreds less than one MB


class EngineError(OSError):
    """The engine did not answer, or with something else than what was asked for."""


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """One connection, to be closed. All reads together may take `deadline_s` seconds, each at most `timeout_s`."""

    def __init__(self, path: str, *, timeout_s: float, deadline_s: float) -> None:
        self._connection = _SocketConnection(path, timeout_s)
        self._deadline = time.monotonic() + deadline_s

    def close(self) -> None:
        self._connection.close()

    def list_containers(self) -> list[dict[str, Any]]:
        """Every container, those that do not run included; the engine waits for none of them. Raises EngineError."""
        found: list[dict[str, Any]] = self._read("/containers/json?all=true")
        return found

    def inspect(self, container: str) -> dict[str, Any] | None:
        """What the engine knows of a container; None when it is gone. One that is being started makes it wait.

        Raises EngineError.
        """
        found: dict[str, Any] | None = self._read(f"/containers/{quote(container, safe='')}/json", may_be_gone=True)
        return found

    def follow_events(self, since_s: float, until_s: float) -> Iterator[dict[str, Any]]:
        """Ends and OOM kills of containers between two Unix times; waits for those to come. Raises EngineError."""
        filters = json.dumps({"type": ["container"], "event": ["oom", "die"]})
        query = urlencode({"since": f"{since_s:.9f}", "until": f"{until_s:.9f}", "filters": filters})
        try:
            answer = self._ask(f"/events?{query}")
            while line := answer.readline(LARGEST_BYTES):
                yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EngineError(f"events of the Docker engine: {error or type(error).__name__}") from error

    def _read(self, path: str, *, may_be_gone: bool = False) -> Any:
        if time.monotonic() > self._deadline:
            raise EngineError("the Docker engine takes too long")
        try:
            answer = self._ask(path, gone=http.HTTPStatus.NOT_FOUND if may_be_gone else None)
            body = answer.read(LARGEST_BYTES + 1)
            if len(body) > LARGEST_BYTES:
                raise ValueError(f"more than {LARGEST_BYTES} bytes")
            return None if answer.status == http.HTTPStatus.NOT_FOUND else json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise EngineError(f"the Docker engine: {error or type(error).__name__}") from error

    def _ask(self, path: str, gone: int | None = None) -> http.client.HTTPResponse:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        if answer.status not in {http.HTTPStatus.OK, gone}:
            raise EngineError(f"HTTP status {answer.status}")
        return answer


def read_field(document: Mapping[str, Any], *names: str) -> Any:
    """A field of nested mappings, None where one on the way is missing or null."""
    found: Any = document
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
