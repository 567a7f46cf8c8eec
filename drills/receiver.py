"""The drill's own receiver: takes what Alertmanager posts, and when."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from drills.alerts import ALWAYS, Notice, read_notice

LARGEST_BYTES = 10 << 20


class Receiver:
    """Listens on a free port of 127.0.0.1 while it is entered; the path of a post is the receiver's name."""

    def __init__(self) -> None:
        self._notices: list[Notice] = []
        self._lock = threading.Lock()
        taker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers["Content-Length"]), LARGEST_BYTES))
                taker.take(self.path.strip("/"), body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: a drill's output is its report."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, receiver: str, body: bytes) -> None:
        notice = read_notice(time.monotonic(), receiver, json.loads(body))
        with self._lock:
            self._notices.append(notice)

    def list_notices(self) -> list[Notice]:
        with self._lock:
            return list(self._notices)

    def clear(self) -> None:
        with self._lock:
            self._notices.clear()

    def last_watchdog(self) -> float | None:
        """When Watchdog was last heard of (time.monotonic), or None."""
        heard = (one.at for one in self.list_notices() if any(key.name == ALWAYS for key in one.firing))
        return max(heard, default=None)
