"""The last minute of an API instance, for /health, and its gauges of load: kept in WSGI, around Flask."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent

from app import telemetry

WINDOW_S = 60
TICK_S = 0.1  # the timer whose lateness is the hub's lag
Application = Callable[..., Iterable[bytes]]


class RequestWindow:
    """Counts requests, server errors and seconds; `read` gives the rates of the last minute."""

    def __init__(self) -> None:
        self._requests = 0
        self._errors = 0
        self._seconds = 0.0
        self._in_flight = 0
        self._history: deque[tuple[float, int, int, float]] = deque([(time.monotonic(), 0, 0, 0.0)])
        telemetry.IN_FLIGHT.set_function(lambda: self._in_flight)
        self.watcher = gevent.spawn(self._watch)

    def wrap(self, application: Application) -> Application:
        """WSGI middleware around `application`."""

        def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            self._in_flight += 1
            started = time.perf_counter()

            def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
                # 503 is what we answer on purpose while a server we need is away; it is an error all the same
                if status[0] == "5":
                    self._errors += 1
                return start_response(status, headers, *exc_info)

            try:
                return application(environ, start)
            finally:
                self._in_flight -= 1
                self._requests += 1
                self._seconds += time.perf_counter() - started

        return serve

    def _watch(self) -> None:
        """Measure the event loop's lag, and keep one mark a second of the last minute."""
        next_mark = time.monotonic() + 1.0
        while True:
            before = time.perf_counter()
            gevent.sleep(TICK_S)
            telemetry.HUB_LAG_SECONDS.observe(max(0.0, time.perf_counter() - before - TICK_S))
            now = time.monotonic()
            if now >= next_mark:
                next_mark = now + 1.0
                self._history.append((now, self._requests, self._errors, self._seconds))
                while now - self._history[0][0] > WINDOW_S:
                    self._history.popleft()

    def read(self) -> dict[str, float | int]:
        """Requests per second, share of 5xx and mean seconds over the last minute, and requests in flight."""
        then, requests, errors, seconds = self._history[0]
        count = self._requests - requests
        return {
            "window_seconds": round(time.monotonic() - then, 1),
            "requests": count,
            "error_ratio": round((self._errors - errors) / count, 4) if count else 0.0,
            "mean_seconds": round((self._seconds - seconds) / count, 4) if count else 0.0,
            "in_flight": self._in_flight,
        }
