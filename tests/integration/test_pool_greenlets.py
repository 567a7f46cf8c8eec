"""The PostgreSQL pool under gevent, as the API runs it: one run of `greenlet_pool.py`, and what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stack.servers import PostgresServer

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120
SLACK_S = 2.0


@pytest.fixture(scope="module")
def seen(postgres_server: PostgresServer) -> dict[str, Any]:
    program = [
        sys.executable,
        "-m",
        "gevent.monkey",
        "--module",
        "tests.integration.greenlet_pool",
        postgres_server.url,
    ]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_greenlet_killed_in_a_query_gives_its_slot_back_and_its_connection_up(seen: dict[str, Any]) -> None:
    found = seen["killed in a query"]
    assert found["before"] == 1
    assert found["seconds"] < SLACK_S
    assert (found["used"], found["idle"], found["broken"]) == (0, 0, 1)
    assert found["free"] == 2
    assert found["after"] == 2, "the killed greenlet's backend lives on"


def test_greenlets_killed_while_they_wait_leave_nothing_behind(seen: dict[str, Any]) -> None:
    found = seen["killed while waiting"]
    assert found["pending_before"] == 5
    assert (found["finished"], found["used"], found["pending"]) == (2, 0, 0)


def test_a_greenlet_killed_while_it_rolls_back_gives_its_slot_back(seen: dict[str, Any]) -> None:
    found = seen["killed while rolling back"]
    assert (found["free"], found["used"], found["broken"]) == (1, 0, 1)


def test_fifty_greenlets_share_five_connections(seen: dict[str, Any]) -> None:
    found = seen["fifty"]
    assert (found["finished"], found["backends"]) == (50, 5)
    assert (found["used"], found["idle"], found["pending"], found["timeouts"]) == (0, 5, 0, 0)


def test_an_exhausted_pool_lets_every_greenlet_go_at_its_deadline(seen: dict[str, Any]) -> None:
    found = seen["exhausted"]
    assert (found["waits"], found["timeouts"]) == (10, 10)
    assert found["longest"] < 0.5 + SLACK_S
    assert (found["free"], found["pending"]) == (1, 0)


def test_the_event_loop_goes_on_while_a_query_runs(seen: dict[str, Any]) -> None:
    found = seen["query"]
    assert found["seconds"] >= 1.5
    assert found["longest_pause"] < 0.75, "the hub stood still for half of the query or more"


def test_the_event_loop_goes_on_while_a_server_does_not_answer_a_connect(seen: dict[str, Any]) -> None:
    found = seen["connect"]
    assert found["result"] == "DeadlineExceeded"
    assert 1.4 < found["seconds"] < 1.5 + SLACK_S
    assert found["longest_pause"] < 0.75, "the hub stood still for half of the wait or more"
