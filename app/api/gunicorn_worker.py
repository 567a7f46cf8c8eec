"""gunicorn's `gevent_pywsgi` worker with bounded reads (docs/decisions/0003).

pywsgi waits for ever: for the next request on a kept connection, and for the rest of a body that the application
has already refused. Both are bounded here; nothing else differs.
"""

from __future__ import annotations

import logging
from types import FrameType
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIHandler

from app.config import Config

log = logging.getLogger(__name__)

IDLE_S = 75.0  # longest silence of a client, within a request or between two
LINGER_S = 1.0  # time for the rest of a refused body, so that the answer is not lost in a connection reset


class _Drained:
    """Stands for a request body nobody will read any more."""

    def _discard(self) -> None:
        """pywsgi calls this after each response."""


class BoundedHandler(PyWSGIHandler):
    wsgi_input: Any

    def __init__(self, sock: Any, address: Any, server: Any, rfile: Any = None) -> None:
        sock.settimeout(IDLE_S)
        super().__init__(sock, address, server, rfile)

    def run_application(self) -> None:
        super().run_application()
        body = self.wsgi_input
        if body.position < (body.content_length or 0) or body.chunked_input:
            self._discard_rest()

    def _discard_rest(self) -> None:
        try:
            with gevent.Timeout(LINGER_S):
                self.wsgi_input._discard()
        except (gevent.Timeout, OSError):
            self.close_connection = True
            self.wsgi_input = _Drained()

    def log_error(self, msg: str, *args: Any) -> None:
        """pywsgi quotes the request line, which may hold a customer's data."""
        log.info("request_malformed")

    def log_request(self) -> None:
        """Requests are logged by the application, with what they were about."""


class BoundedWorker(GeventPyWSGIWorker):
    """One event loop, `gevent.pywsgi`, bounded reads."""

    wsgi_handler = BoundedHandler
    leaving = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: serve on for a while without being ready, so that nobody is sent here when the door closes."""
        if not self.leaving:
            self.leaving = True
            gevent.spawn_later(Config().leave_s, super().handle_exit, sig, frame)
