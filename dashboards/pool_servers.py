"""The servers' own view of our connections: what PostgreSQL and Redis see, beside what our pools say."""

from __future__ import annotations

from typing import Any

from dashboards.panels import RED, YELLOW, graph, saturation
from dashboards.queries import Line, max_of, pick, sum_of

MAX = "db_client_connection_max"
NOT_CHOSEN = "a choice of job or instance leaves out the servers' exporters"


def show_servers() -> list[Any]:
    """Panels of a dashboard whose own variables choose our processes."""
    return [
        graph(
            "Could be opened, against PostgreSQL",
            "Sum of the maxima of all pools that lead to it, and what it takes.",
            [
                Line(sum_of(MAX, "", 'pool!~"redis.*|replica"'), "pools"),
                Line(f"min({pick('pg_settings_max_connections')})", "PostgreSQL takes", RED),
            ],
            "short",
            alerts=["ConnectionPoolsAboveServer"],
            leads_to="palmonas-postgresql",
            may_be_empty=NOT_CHOSEN,
            width=6,
        ),
        graph(
            "PostgreSQL: sessions by state",
            "What the server sees of its clients. `idle in transaction` holds a connection and does nothing with it.",
            [Line(sum_of("pg_client_sessions_count", "state"), "{{state}}")],
            "short",
            stacked=True,
            alerts=["PostgresIdleInTransaction"],
            leads_to="palmonas-postgresql",
            may_be_empty=NOT_CHOSEN,
            width=6,
        ),
        saturation(
            "PostgreSQL: connections taken",
            "Of those that clients may have, ours and everybody else's. Full here and not in our pools: somebody else.",
            [Line(pick("job_instance:pg_client_sessions:ratio"), "{{instance}}")],
            [("postgres_connections_warning", YELLOW), ("postgres_connections_page", RED)],
            alerts=["PostgresConnectionsHigh"],
            leads_to="palmonas-postgresql",
            may_be_empty=NOT_CHOSEN,
            width=6,
        ),
        graph(
            "PostgreSQL: longest in a transaction",
            "At work, idle, and waiting for a lock: why a connection is not given back.",
            [
                Line(max_of("job_instance:pg_transaction_seconds:max"), "at work"),
                Line(max_of("job_instance:pg_idle_in_transaction_seconds:max"), "idle in a transaction"),
                Line(max_of("job_instance:pg_lock_wait_seconds:max"), "waits for a lock"),
            ],
            "s",
            limits=[("postgres_lock_wait", YELLOW)],
            alerts=["PostgresLongTransaction", "PostgresIdleInTransaction", "PostgresLocksBlocked"],
            leads_to="palmonas-postgresql",
            may_be_empty=NOT_CHOSEN,
            width=6,
        ),
        graph(
            "Could be opened, against Redis",
            "Sum of the maxima of all pools that lead to it, and what it takes.",
            [
                Line(sum_of(MAX, "", 'pool=~"redis.*"'), "pools"),
                Line(f"min({pick('redis_config_maxclients')})", "Redis takes", RED),
            ],
            "short",
            alerts=["ConnectionPoolsAboveServer"],
            leads_to="palmonas-redis",
            may_be_empty=NOT_CHOSEN,
        ),
        graph(
            "Redis: clients",
            "Connected clients, and those that block: idle workers that wait for a job.",
            [
                Line(sum_of("redis_connected_clients"), "connected"),
                Line(sum_of("redis_blocked_clients"), "blocked"),
            ],
            "short",
            leads_to="palmonas-redis",
            may_be_empty=NOT_CHOSEN,
        ),
        saturation(
            "Redis: clients of maxclients",
            "At 100 % the next client is refused.",
            [Line(pick("job_instance:redis_connected_clients:ratio"), "{{instance}}")],
            [("redis_clients_high", YELLOW)],
            alerts=["RedisClientsHigh"],
            leads_to="palmonas-redis",
            may_be_empty=NOT_CHOSEN,
        ),
    ]
