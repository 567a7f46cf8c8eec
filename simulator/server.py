"""Serves the simulator on loopback, and nowhere else."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.errors import UsageError

BACKLOG = 128
STOP_DEADLINE_S = 5.0
POLL_S = 0.05  # how soon the server sees that it is to stop


class Handler(WSGIRequestHandler):
    """Writes the head as the application made it: the Date is the simulated channel's, not this machine's."""

    timeout = 60.0  # seconds a caller may be silent

    def send_response(self, code: int | str, message: str | None = None) -> None:
        self.send_response_only(int(code), message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Not at all: the addresses hold cursors and times, and the oracle counts what matters."""


@dataclass
class RunningServer:
    host: str
    port: int
    stop: Callable[[], None]

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def check_loopback(host: str) -> str:
    """Return the loopback address `host` stands for. Raises UsageError for any other."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise UsageError(
        f"the simulator listens on loopback only, not on {host!r}: whoever reaches it can make and change orders; "
        "use 127.0.0.1"
    )


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError when the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
    listener.listen(BACKLOG)
    return listener


def start_server(app: Flask, host: str, port: int, *, anywhere: bool = False) -> RunningServer:
    """Serve `app` in threads of its own; port 0 takes any free one. `anywhere`: not only on loopback."""
    address = host if anywhere else check_loopback(host)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with open_socket(address, port) as listener:
        chosen = listener.getsockname()[1]
        # make_server duplicates the descriptor; with one of its own it would end the process when the port is taken.
        server = make_server(address, chosen, app, threaded=True, request_handler=Handler, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), name="simulator", daemon=True)
    thread.start()
    return RunningServer(address, chosen, lambda: _stop(server, thread))


def _stop(server: BaseWSGIServer, thread: threading.Thread) -> None:
    server.shutdown()
    thread.join(STOP_DEADLINE_S)
    server.server_close()
