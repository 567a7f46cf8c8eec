"""The stream of snapshots under gunicorn: it comes at once and piece by piece, and it always ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import requests

from app.api.events import MOST, MOST_OF_ONE, PERIOD_S
from app.store.pool import Pool
from app.store.tokens import create_token, revoke_token
from stack.layout import Layout
from stack.processes import find_free_port
from stack.servers import PostgresServer, RedisServer
from tests.console_process import ConsoleProcess, run_console_process
from tests.front import open_front

LIFE_S = 17.0  # longer than HAProxy waits for a client that is silent
SOON_S = 5.0


@dataclass
class Rig:
    console: ConsoleProcess
    front: str

    @property
    def pool(self) -> Pool:
        return self.console.pool

    def listen(self, token: str, base: str = "") -> requests.Response:
        url = f"{base or self.console.url}/operations/events"
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=10)

    def listen_soon(self, token: str) -> requests.Response:
        """Once there is a place: those who went away are noticed at the next snapshot."""
        deadline = time.monotonic() + SOON_S
        while (answer := self.listen(token)).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return answer


@pytest.fixture(scope="module")
def rig(
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    database_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rig]:
    """A console without Prometheus, behind HAProxy."""
    directory = tmp_path_factory.mktemp("events")
    settings = {"event_stream_s": str(LIFE_S)}
    with run_console_process(postgres_server, redis_server, "operations_events", directory, **settings) as console:
        port = console.process.port
        names = {"api-accept-1": find_free_port(), "api-console-1": port, "haproxy-stats": find_free_port()}
        layout = Layout(directory, "127.0.0.1", find_free_port(), names)
        with open_front(layout, ["api-accept-1"], ["api-console-1"]) as front:
            yield Rig(console, front)


def read_events(answer: requests.Response) -> Iterator[dict[str, Any]]:
    """Each event's fields, as soon as it is complete."""
    fields: dict[str, Any] = {}
    for line in answer.iter_lines(chunk_size=1):
        name, _, value = line.decode().partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield {**fields, "data": json.loads(fields["data"])}
            fields = {}


def test_snapshots_come_one_by_one_until_the_streams_time_is_over(rig: Rig) -> None:
    started = time.monotonic()
    with rig.listen(create_token(rig.pool, "listener", "viewer"), rig.front) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        events, times = [], []
        for event in read_events(answer):
            events.append(event)
            times.append(time.monotonic() - started)
    assert times[0] < PERIOD_S, "the first snapshot comes at once, not with the second"
    assert len(events) >= 5, "HAProxy passes on each as it comes, for as long as it comes"
    assert all(later - earlier > PERIOD_S / 2 for earlier, later in pairwise(times))
    assert events[0]["retry"] == "2000"
    ids = [int(event["id"]) for event in events]
    assert ids == sorted(set(ids))
    for event in events:
        assert event["event"] == "snapshot"
        assert event["data"]["prometheus"] == {"reachable": False, "detail": "PALMONAS_PROMETHEUS_URL is not set"}
    # what a slow Redis does not tell in time is missing from that one
    assert max(len(event["data"]["queues"]) for event in events) == 4
    assert LIFE_S - 1 < time.monotonic() - started < LIFE_S + SOON_S


def test_a_revoked_token_ends_its_stream(rig: Rig) -> None:
    token = create_token(rig.pool, "leaver", "viewer")
    with rig.listen(token) as answer:
        events = read_events(answer)
        next(events)
        revoke_token(rig.pool, "leaver")
        revoked = time.monotonic()
        assert list(events) == []
        assert time.monotonic() - revoked < PERIOD_S + 2
    assert rig.listen(token).status_code == 401


def test_one_stream_too_many_is_asked_to_come_again(rig: Rig) -> None:
    crowd = [create_token(rig.pool, f"crowd-{number}", "viewer") for number in range(MOST // MOST_OF_ONE)]
    token = create_token(rig.pool, "late", "viewer")
    with ExitStack() as stack:
        for one in crowd * MOST_OF_ONE:
            stack.enter_context(rig.listen_soon(one))
        refused = rig.listen(token)
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:palmonas:problem:overloaded")
        assert int(refused.headers["Retry-After"]) > 0
        url = f"{rig.console.url}/operations"
        started = time.monotonic()
        assert requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 200
        assert time.monotonic() - started < 2.5, "others are served beside them"
    rig.listen_soon(token).close()  # those that went away gave their places back


def test_one_who_listens_everywhere_leaves_places_for_others(rig: Rig) -> None:
    greedy, other = (create_token(rig.pool, name, "viewer") for name in ("greedy", "other"))
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE):
            stack.enter_context(rig.listen_soon(greedy))
        assert rig.listen(greedy).status_code == 503
        stack.enter_context(rig.listen_soon(other))


def test_a_shutdown_waits_for_no_stream(rig: Rig) -> None:
    with rig.listen(create_token(rig.pool, "last", "viewer")) as answer:
        events = read_events(answer)
        next(events)
        rig.console.process.ask_to_stop()
        asked = time.monotonic()
        assert list(events) == []
        assert time.monotonic() - asked < 3
    assert rig.console.process.stop() == 0
