"""PostgreSQL as its exporter sees it: does it answer, has it room, does somebody hold everybody up."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, number, rate, saturation
from dashboards.queries import Line, max_of, pick, sum_of, sum_rate

RATIO = "job_instance:pg_client_sessions:ratio"
SESSIONS = [("postgres_connections_warning", YELLOW), ("postgres_connections_page", RED)]
LAG = "job_instance_application_name:pg_replica_lag_bytes:max"
NO_STANDBY = "there is no standby"
NO_SLOT = "there is no replication slot"
# Shared relations belong to no database, and Prometheus writes that as an empty name.
DATABASE = "{{instance}} {{datname}}"
BUSY = 'datname!~"template.*|"'


def _answer() -> list[Any]:
    return [
        number(
            "PostgreSQL up",
            "1 when every exporter reaches its server. 0 also when PostgreSQL has no connection left for the exporter.",
            f"min({pick('pg_up')})",
            "none",
            alerts=["PostgresDown", "PostgresAbsent"],
        ),
        number(
            "Connections taken",
            "Sessions of clients, of those that PostgreSQL has for clients: without what it keeps for superusers.",
            max_of(RATIO),
            "percentunit",
            limits=SESSIONS,
            alerts=["PostgresConnectionsHigh", "PostgresConnectionsExhausted"],
        ),
        number(
            "Longest at work",
            "Age of the oldest transaction of a client that is at work. Until it ends, no dead row can be removed.",
            max_of("job_instance:pg_transaction_seconds:max"),
            "s",
            limits=[("postgres_long_transaction", YELLOW)],
            alerts=["PostgresLongTransaction"],
        ),
        number(
            "Idle in transaction",
            "Time that a client has done nothing in an open transaction. What it has locked stays locked.",
            max_of("job_instance:pg_idle_in_transaction_seconds:max"),
            "s",
            limits=[("postgres_idle_in_transaction", YELLOW)],
            alerts=["PostgresIdleInTransaction"],
        ),
        number(
            "Longest wait for a lock",
            "Time that a client has waited for a lock that another one holds.",
            max_of("job_instance:pg_lock_wait_seconds:max"),
            "s",
            limits=[("postgres_lock_wait", YELLOW)],
            alerts=["PostgresLocksBlocked"],
        ),
        number(
            "Transactions",
            "Committed and rolled back, in all databases.",
            f"sum({pick('job_instance:pg_xact:rate5m')})",
            "cps",
        ),
        saturation(
            "Connections taken, by server",
            "Sessions of clients, of those that PostgreSQL has for clients.",
            [Line(pick(RATIO), "{{instance}}")],
            SESSIONS,
            width=12,
            alerts=["PostgresConnectionsHigh", "PostgresConnectionsExhausted"],
        ),
        graph(
            "Sessions by state",
            "What the clients' sessions do. Many active ones are load or slow queries, idle in transaction is a leak.",
            [Line(sum_of("pg_client_sessions_count", "state"), "{{state}}")],
            "short",
            stacked=True,
            width=12,
            alerts=["PostgresQueriesMissing"],
            may_be_empty="the exporter is 0.17 or newer, without prometheus/postgres-queries.yml",
        ),
    ]


def _holding() -> list[Any]:
    return [
        graph(
            "Transactions held open",
            "The oldest at work, and the longest idle in a transaction. A saw that never falls is one client.",
            [
                Line(pick("job_instance:pg_transaction_seconds:max"), "{{instance}} at work"),
                Line(pick("job_instance:pg_idle_in_transaction_seconds:max"), "{{instance}} idle"),
            ],
            "s",
            limits=[
                ("postgres_idle_in_transaction", YELLOW),
                ("postgres_long_transaction", YELLOW),
            ],
            alerts=["PostgresLongTransaction", "PostgresIdleInTransaction"],
        ),
        graph(
            "Waiting for locks",
            "Clients that wait for a lock. A pile that grows has one holder in front.",
            [Line(pick("job_instance:pg_lock_waits:sum"), "{{instance}}")],
            "short",
            alerts=["PostgresLocksBlocked"],
        ),
        rate(
            "Deadlocks",
            "Deadlocks that PostgreSQL broke, by failing one transaction of each.",
            "pg_stat_database_deadlocks",
            "instance, datname",
            BUSY,
            alerts=["PostgresDeadlocks"],
        ),
    ]


def _work() -> list[Any]:
    return [
        graph(
            "Transactions by database",
            "Committed and rolled back. The service's own polling is in it: it is never 0.",
            [Line(pick("job_instance_datname:pg_xact:rate5m", BUSY), DATABASE)],
            "cps",
        ),
        graph(
            "Rolled back",
            "Share of transactions that were rolled back: errors, conflicts, deadlocks, deadlines.",
            [Line(pick("job_instance_datname:pg_xact_rollback:ratio_rate5m", BUSY), DATABASE)],
            "percentunit",
            limits=[("postgres_rollback_ratio", YELLOW)],
            alerts=["PostgresRollbacks"],
            may_be_empty="no transaction in five minutes",
        ),
        graph(
            "Rows",
            "Rows that queries fetched, inserted, updated and deleted.",
            [
                Line(sum_rate(f"pg_stat_database_tup_{work}", "", BUSY), work)
                for work in ("fetched", "inserted", "updated", "deleted")
            ],
            "rowsps",
        ),
        graph(
            "Found in the cache",
            "Blocks that were in shared buffers, of all that were wanted. Below the line only matters with many reads.",
            [Line(pick("job_instance_datname:pg_blks_hit:ratio_rate5m", BUSY), DATABASE)],
            "percentunit",
            limits=[("postgres_cache_hit", YELLOW)],
            top=1,
            alerts=["PostgresCacheMisses"],
            may_be_empty="no block was wanted in five minutes",
        ),
        graph(
            "Blocks read past the cache",
            "Blocks of 8 KiB that were not in shared buffers. The kernel may still have had them.",
            [Line(pick("job_instance_datname:pg_blks_read:rate5m", BUSY), DATABASE)],
            "cps",
            limits=[("postgres_cache_reads", YELLOW)],
            alerts=["PostgresCacheMisses"],
        ),
        graph(
            "Spilled to disk",
            "Bytes of temporary files: sorts and hashes that did not fit into work_mem.",
            [Line(sum_rate("pg_stat_database_temp_bytes", "instance, datname", BUSY), DATABASE)],
            "Bps",
        ),
    ]


def _storage() -> list[Any]:
    return [
        graph(
            "Size of the databases",
            "Tables and indexes, without WAL. Whether the disk is large enough is watched by the host's alerts.",
            [Line(max_of("pg_database_size_bytes", "instance, datname", BUSY), DATABASE)],
            "bytes",
        ),
        graph(
            "Growth of the databases",
            "Bytes per second over the window of the graph; negative after a prune that vacuum could return.",
            [Line(f"deriv({pick('pg_database_size_bytes', BUSY)}[$__rate_interval])", DATABASE)],
            "Bps",
        ),
        graph(
            "Age of the oldest row that is not frozen",
            "In transactions; at 2.1 billion PostgreSQL stops writing. Autovacuum begins to freeze at 0.2 billion.",
            [
                Line(max_of("job_instance_datname:pg_xid_age:max", "instance"), "{{instance}} transactions"),
                Line(max_of("job_instance_datname:pg_mxid_age:max", "instance"), "{{instance}} multixacts"),
            ],
            "short",
            limits=[("postgres_frozen_age", RED)],
            alerts=["PostgresWraparound"],
        ),
    ]


def _replication() -> list[Any]:
    return [
        graph(
            "Lag of the standbys",
            "WAL that a standby has not applied. A line that ends is a standby that is gone.",
            [Line(pick(LAG), "{{instance}} {{application_name}}")],
            "bytes",
            limits=[("postgres_replica_lag_bytes", YELLOW)],
            alerts=["PostgresReplicaLag", "PostgresReplicaGone"],
            may_be_empty=NO_STANDBY,
        ),
        graph(
            "Slots with a reader",
            "1 while somebody reads the slot. At 0 PostgreSQL keeps all WAL for it.",
            [Line(pick("job_instance_slot_name:pg_replication_slot_active:min"), "{{instance}} {{slot_name}}")],
            "short",
            alerts=["PostgresSlotInactive"],
            may_be_empty=NO_SLOT,
        ),
        graph(
            "WAL kept for slots",
            "What a slot's reader has still to fetch, and what is on the disk for it.",
            [Line(max_of("pg_replication_slots_pg_wal_lsn_diff", "instance, slot_name"), "{{instance}} {{slot_name}}")],
            "bytes",
            alerts=["PostgresSlotInactive"],
            may_be_empty=NO_SLOT,
        ),
    ]


def _exporter() -> list[Any]:
    return [
        graph(
            "Exporter's errors",
            "1 where a query of the last scrape, a collector, or the file of queries failed.",
            [
                Line(max_of("pg_exporter_last_scrape_error", "instance"), "{{instance}} last scrape"),
                Line(max_of("pg_exporter_user_queries_load_error", "instance"), "{{instance}} file of queries"),
                Line(
                    f"1 - min by (instance, collector) ({pick('pg_scrape_collector_success')})",
                    "{{instance}} {{collector}}",
                ),
            ],
            "short",
            width=12,
            alerts=["PostgresCollectorFailed", "PostgresQueriesMissing"],
        ),
        graph(
            "Cost of a scrape",
            "Time that the exporter's queries took. It rises with the load of the server, and when it is locked up.",
            [Line(max_of("pg_exporter_last_scrape_duration_seconds", "instance"), "{{instance}}")],
            "s",
            width=12,
        ),
    ]


def build() -> dict[str, Any]:
    """PostgreSQL, as Grafana's JSON."""
    board = start(
        "palmonas-postgresql",
        "Does PostgreSQL answer, has it room, does somebody hold everybody up.",
        jobs_from="pg_up",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Held up", _holding())
    board = add_row(board, "Work", _work())
    board = add_row(board, "Storage", _storage())
    board = add_row(board, "Replication", _replication())
    return finish(add_row(board, "Exporter", _exporter()))
