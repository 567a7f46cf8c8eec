"""deploy/swarm on a swarm of one node: updated, scaled and hurt under load."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stack.processes import wait_until
from tests.containers.conftest import Record
from tests.containers.engine import Engine
from tests.containers.orders import Load, count_orders, count_pending, count_stored_twice
from tests.containers.swarm import DEADLINE_S, STACK, Swarm, open_swarm

OURS = ("api-accept", "api-console", "worker-ingest")


@pytest.fixture(scope="module")
def swarm(built: Engine) -> Iterator[Swarm]:
    with open_swarm(built) as swarm:
        assert wait_until(swarm.is_complete, DEADLINE_S, pause_s=1), swarm.find_missing()
        assert wait_until(lambda: bool(swarm.list_containers("haproxy")), DEADLINE_S, pause_s=1)
        yield swarm


@contextmanager
def load_swarm(swarm: Swarm, record: Record, what: str) -> Iterator[Load]:
    """Load for the time of the block; then that is recorded as `what`, and all that was accepted is stored, once."""
    before, started = count_orders(swarm), time.monotonic()
    with Load(swarm, per_second=10) as load:
        yield load
    record("swarm", load.tell(what, started))
    print(*load.failures, sep="\n")
    assert load.accepted
    assert wait_until(lambda: count_pending(swarm) == 0, DEADLINE_S, pause_s=1)
    assert count_orders(swarm) == before + len(load.accepted)
    assert count_stored_twice(swarm) == 0


def test_it_scales_under_load(swarm: Swarm, record_property: Record) -> None:
    with load_swarm(swarm, record_property, "scaled to 3 and 3") as load:
        swarm.service("scale", f"{STACK}_api-accept=3", f"{STACK}_worker-ingest=3")
        assert wait_until(lambda: len(swarm.list_containers("api-accept")) == 3, DEADLINE_S, pause_s=1)
        assert wait_until(lambda: len(swarm.list_containers("worker-ingest")) == 3, DEADLINE_S, pause_s=1)
    assert load.failures == []


def test_a_rolling_update_under_load_loses_nothing(swarm: Swarm, record_property: Record) -> None:
    """Every task of three services by a new one, the new one first."""
    old = list_tasks(swarm)
    with load_swarm(swarm, record_property, f"{len(old)} tasks updated") as load:
        for service in OURS:
            swarm.service("update", "--force", "--detach", f"{STACK}_{service}")
        assert wait_until(lambda: all(map(swarm.is_updated, OURS)), DEADLINE_S, pause_s=1)
        assert not old & list_tasks(swarm)
    assert load.failures == []


def test_a_killed_task_comes_back_and_nothing_accepted_is_lost(swarm: Swarm, record_property: Record) -> None:
    """SIGKILL: a list that was being read may fail, a delivery is tried on another instance."""
    old = list_tasks(swarm)
    with load_swarm(swarm, record_property, f"{len(OURS)} tasks killed, and back") as load:
        for service in OURS:
            swarm.engine.run("kill", swarm.list_containers(service)[0])
            time.sleep(2)  # the swarm sees it, and the door has a second to
            assert wait_until(swarm.is_complete, DEADLINE_S, pause_s=0.5), swarm.find_missing()
            assert wait_until(lambda: len(list_tasks(swarm)) == len(old), DEADLINE_S, pause_s=0.5)
        assert len(old & list_tasks(swarm)) == len(old) - len(OURS)
    assert [one for one in load.failures if " send: " in one] == []
    assert len(load.failures) <= 1


def list_tasks(swarm: Swarm) -> set[str]:
    return {container for service in OURS for container in swarm.list_containers(service)}
