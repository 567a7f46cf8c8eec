"""One inbox table pruned by batches, against narrow keys with payloads in daily partitions: what each costs.

The numbers of docs/decisions/0002 come from here: `python -m tests.bench retention`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from app.store.arrays import plain_array, text_array
from app.store.pool import Cursor, Pool
from tests.bench.cpu import read_tree_cpu_seconds

ROWS = 200_000
BATCH = 50  # a group commit under load
PAYLOAD = '{"filler": "' + "x1y2z3" * 500 + '"}'

PARTITIONED = """
CREATE TABLE keys (channel text, delivery_id text, received_at timestamptz NOT NULL DEFAULT now(),
                   id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (channel, delivery_id));
CREATE TABLE payloads (id bigint NOT NULL, received_at timestamptz NOT NULL, state text NOT NULL DEFAULT 'pending',
                       topic text, request_id text, payload text) PARTITION BY RANGE (received_at);
CREATE TABLE payloads_today PARTITION OF payloads DEFAULT;
CREATE INDEX ON payloads (id) WHERE state = 'pending';
"""

_INSERT_ONE = """
INSERT INTO inbox (channel, delivery_id, topic, request_id, payload)
SELECT 'shopify', d, 'orders/create', d, %s FROM unnest(%s::text[]) AS d ON CONFLICT DO NOTHING RETURNING id
"""
_INSERT_TWO = """
WITH new AS (INSERT INTO keys (channel, delivery_id) SELECT 'shopify', d FROM unnest(%s::text[]) AS d
             ON CONFLICT DO NOTHING RETURNING id, received_at, delivery_id)
INSERT INTO payloads (id, received_at, topic, request_id, payload)
SELECT id, received_at, 'orders/create', delivery_id, %s FROM new RETURNING id
"""


def compare_retention(pool: Pool, server_pid: int) -> None:
    """Insert, finish and prune the same rows in both designs; print microseconds of server CPU a row."""
    with pool.autocommit("bench") as cursor:
        cursor.execute(PARTITIONED)

    def measure(name: str, work: Callable[[Cursor], None]) -> None:
        before, started = read_tree_cpu_seconds(server_pid), time.perf_counter()
        with pool.autocommit("bench") as cursor:
            work(cursor)
        used = (read_tree_cpu_seconds(server_pid) - before) / ROWS * 1e6
        print(f"{name}: {used:.1f} us of server CPU a row, {time.perf_counter() - started:.1f} s")

    def insert_one(cursor: Cursor) -> None:
        for start in range(0, ROWS, BATCH):
            cursor.execute(_INSERT_ONE, (PAYLOAD, text_array(f"d{n}" for n in range(start, start + BATCH))))

    def insert_two(cursor: Cursor) -> None:
        for start in range(0, ROWS, BATCH):
            cursor.execute(_INSERT_TWO, (text_array(f"d{n}" for n in range(start, start + BATCH)), PAYLOAD))

    def finish(table: str) -> Callable[[Cursor], None]:
        def work(cursor: Cursor) -> None:
            for start in range(1, ROWS, 500):
                ids = plain_array(range(start, start + 500))
                cursor.execute(f"UPDATE {table} SET state = 'done' WHERE id = ANY(%s::bigint[])", (ids,))

        return work

    def prune_one(cursor: Cursor) -> None:
        while True:
            cursor.execute(
                "WITH old AS (SELECT id FROM inbox WHERE received_at < now() AND state = 'done' LIMIT 2000"
                " FOR UPDATE SKIP LOCKED) DELETE FROM inbox USING old WHERE inbox.id = old.id"
            )
            if not cursor.rowcount:
                break
        cursor.execute("VACUUM inbox")

    def prune_two(cursor: Cursor) -> None:
        cursor.execute("DROP TABLE payloads_today")
        while True:
            cursor.execute(
                "DELETE FROM keys WHERE (channel, delivery_id) IN"
                " (SELECT channel, delivery_id FROM keys WHERE received_at < now() LIMIT 2000)"
            )
            if not cursor.rowcount:
                break
        cursor.execute("VACUUM keys")

    measure("one table, insert", insert_one)
    measure("keys and partitions, insert", insert_two)
    measure("one table, finish", finish("inbox"))
    measure("keys and partitions, finish", finish("payloads"))
    with pool.autocommit("bench") as cursor:
        for table in ("inbox", "keys", "payloads_today"):
            cursor.execute("SELECT pg_total_relation_size(%s::regclass) / %s", (table, ROWS))
            print(f"{table}: {cursor.fetchone()[0]} bytes a row with indexes")
    measure("one table, prune", prune_one)
    measure("keys and partitions, prune", prune_two)
