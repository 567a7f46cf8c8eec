"""containers/scale.env: a replica that follows and is read from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stack.processes import wait_until
from tests.containers.engine import Engine
from tests.containers.orders import Load, ask_database, count_orders, count_pending
from tests.containers.stack import Stack, read_settings

DEADLINE_S = 180.0


@pytest.fixture(scope="module")
def scaled(built: Engine) -> Iterator[Stack]:
    stack = Stack(built, project="palmonas-scaled", settings=read_settings("scale"))
    try:
        stack.start("haproxy", "api-accept", "api-console", "worker-ingest", "dispatcher", "postgres-replica")
        yield stack
    finally:
        stack.stop()


def test_the_replica_follows_and_is_read_from(scaled: Stack) -> None:
    assert ask_database(scaled, "SELECT state FROM pg_stat_replication") == "streaming"
    with Load(scaled, per_second=5) as load:
        assert wait_until(lambda: len(load.accepted) >= 20 and load.read >= 20, DEADLINE_S, pause_s=0.5)
    assert load.failures == []
    assert wait_until(lambda: count_pending(scaled) == 0, DEADLINE_S, pause_s=1)
    count = ("psql", "-X", "-A", "-t", "-d", "palmonas", "-c", "SELECT count(*) FROM orders")
    stored = str(count_orders(scaled))
    assert wait_until(lambda: scaled.execute("postgres-replica", *count).strip() == stored, DEADLINE_S, pause_s=1)
    reads = "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'palmonas'"
    there = scaled.execute("postgres-replica", "psql", "-X", "-A", "-t", "-d", "palmonas", "-c", reads)
    assert there.strip() == "t", "the console has connections to the replica"
