"""GET /operations/events: snapshots as server-sent events, to a bounded number of pages, each for a bounded time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

from flask import Flask, Response, stream_with_context

from app.api.auth import current_caller, may_go_on
from app.api.policy import add_route
from app.api.sampling import Sampler
from app.api.schemas import NoQuery
from app.api.services import Services
from app.errors import Overloaded

MOST = 50  # streams of one process: each holds a connection and asks every three seconds who it is for
MOST_OF_ONE = 10  # of one user or token, so that nobody takes the places of all others
PERIOD_S = 3.0
STEP_S = 0.5  # how soon a stream notices that the process shuts down
RETRY_MS = 2000

Snapshots = Sampler[tuple[int, bytes]]


class EventStreams:
    def __init__(self, made: Services, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._readiness = made.readiness
        self._life_s = made.config.event_stream_s
        self._listening: Counter[str] = Counter()  # by actor
        self._lock = threading.Lock()

    def get_operations_events(self, query: NoQuery) -> Response:
        actor = current_caller().actor
        self._enter(actor)
        response = Response(stream_with_context(self._tell()), content_type="text/event-stream")
        response.call_on_close(partial(self._leave, actor))
        response.headers["X-Accel-Buffering"] = "no"  # for proxies that would collect it first
        return response

    def _enter(self, actor: str) -> None:
        """Raises Overloaded when as many listen as may."""
        with self._lock:
            if self._listening.total() >= MOST:
                raise Overloaded(f"{MOST} pages listen to this process already; close one, or ask GET /operations")
            if self._listening[actor] >= MOST_OF_ONE:
                raise Overloaded(f"{MOST_OF_ONE} pages of yours listen already; close one, or ask GET /operations")
            self._listening[actor] += 1

    def _leave(self, actor: str) -> None:
        with self._lock:
            self._listening[actor] -= 1
            if not self._listening[actor]:
                del self._listening[actor]

    def _tell(self) -> Iterator[bytes]:
        end = time.monotonic() + self._life_s
        yield b"retry: %d\n\n" % RETRY_MS
        while True:
            at_ms, body = self._snapshots.read()
            yield b"event: snapshot\nid: %d\ndata: %s\n\n" % (at_ms, body)
            if not self._pause(end) or not may_go_on():
                return
            yield b": here\n\n"  # a client that has gone is noticed before work is done for it

    def _pause(self, end: float) -> bool:
        """Wait for the next snapshot; False when there is none, because the stream's time or the process ends."""
        due = time.monotonic() + PERIOD_S
        while time.monotonic() < due:
            if time.monotonic() >= end or self._readiness.problem == "draining":
                return False
            time.sleep(STEP_S)
        return True


def register(app: Flask, made: Services, snapshots: Snapshots) -> None:
    add_route(
        app,
        "/operations/events",
        EventStreams(made, snapshots).get_operations_events,
        policy="viewer",
        tag="operations",
        summary="Listen to snapshots: every three seconds an event `snapshot` with what GET /operations answers",
        query=NoQuery,
        answers={200: "text/event-stream"},
        passive=True,
    )
