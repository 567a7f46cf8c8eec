"""What a Docker engine answered once (tests/recorded), served again over a real unix socket; it refuses all but GET."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

RECORDED = Path(__file__).parent / "recorded/docker-20.10.json"


class RecordedEngine:
    """Listens at `path` while it is entered by `open_engine`. What it serves may be changed meanwhile.

    `held` are containers whose inspection is held back for `hold_s` seconds, as the engine does while one starts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
        self.containers: list[dict[str, Any]] = recorded["containers"]
        self.inspected: dict[str, dict[str, Any]] = recorded["inspected"]
        self.events: list[dict[str, Any]] = recorded["events"]
        self.asked: list[str] = []
        self.held: set[str] = set()
        self.hold_s = 3.0
        self.is_frozen = False

    def find(self, name: str) -> dict[str, Any]:
        """The container called `name`, as it stands in the list."""
        return next(one for one in self.containers if one["Names"] == [f"/{name}"])

    def answer(self, path: str) -> tuple[int, Any]:
        if path == "/containers/json":
            return 200, self.containers
        identity = path.removeprefix("/containers/").removesuffix("/json")
        if identity in self.held:
            time.sleep(self.hold_s)
        found = self.inspected.get(identity)
        return (200, found) if found else (404, {"message": "No such container"})


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    engine: RecordedEngine

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that gave up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        engine, asked = self.server.engine, urlsplit(self.path)
        engine.asked.append(self.path)
        while engine.is_frozen:
            time.sleep(0.05)
        if asked.path == "/events":
            self._tell_events(parse_qs(asked.query))
            return
        status, document = engine.answer(asked.path)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _tell_events(self, query: dict[str, list[str]]) -> None:
        """What happened, and what happens until the time asked for, in chunks, as the engine tells it."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        engine, told = self.server.engine, 0
        while time.time() < float(query["until"][0]) and not engine.is_frozen:
            for event in engine.events[told:]:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.flush()
                told += 1
            time.sleep(0.02)
        self.wfile.write(b"0\r\n\r\n")

    def address_string(self) -> str:
        return "a client"

    def log_message(self, *_: object) -> None:
        """Nothing: a test says what it looks at."""


@contextmanager
def open_engine(path: Path) -> Iterator[RecordedEngine]:
    """A RecordedEngine that listens at `path`."""
    engine = RecordedEngine(path)
    server = _Server(str(path), _Handler)
    server.engine = engine
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield engine
    finally:
        engine.is_frozen = False
        server.shutdown()
        server.server_close()
        path.unlink(missing_ok=True)
