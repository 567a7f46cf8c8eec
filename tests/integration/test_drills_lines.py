"""The line with latency that drills put in front of PostgreSQL."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, closing
from types import SimpleNamespace
from typing import Any

from drills.slow_line import open_slow_line

DELAY_S = 0.2


def serve_echo(listener: socket.socket) -> None:
    end, _ = listener.accept()
    with closing(end):
        while data := end.recv(1024):
            end.sendall(data.upper())


def test_a_slow_line_holds_requests_back_and_ends_with_the_drill() -> None:
    stand: Any = SimpleNamespace(undo=ExitStack())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve_echo, args=(listener,), daemon=True)
        server.start()
        port = open_slow_line(stand, listener.getsockname()[1], DELAY_S)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            started = time.monotonic()
            client.sendall(b"one")
            assert client.recv(1024) == b"ONE"
            assert DELAY_S <= time.monotonic() - started < DELAY_S + 5
            stand.undo.close()
            assert client.recv(1024) == b""
        server.join(10)
        assert not server.is_alive()
    with socket.socket() as late:
        assert late.connect_ex(("127.0.0.1", port)) != 0
