"""Connection pools: is one full, on which instance, who holds it, and does the server feel it."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, heat_of, heat_recorded, number, rate, saturation
from dashboards.pool_servers import show_servers
from dashboards.queries import (
    ALL_PROCESSES,
    POOL_FILL,
    Line,
    max_of,
    mean_of,
    pick,
    pick_job,
    ratio_of,
    sum_of,
    sum_rate,
    top_sum_rate,
)

WAIT = "db_client_connection_wait_time_seconds"
USE = "db_client_connection_use_time_seconds"
CREATE = "db_client_connection_create_time_seconds"
COUNT = "db_client_connection_count"
MAX = "db_client_connection_max"
# Recorded for panels alone: over all processes.
WAIT_P99 = f"job_pool:{WAIT}:p99_rate5m"
USE_P99 = f"job_pool_route:{USE}:p99_rate5m"
CREATE_P99 = f"job_pool:{CREATE}:p99_rate5m"
WAIT_BUCKETS = f"le:{WAIT}_bucket:rate5m"
USE_BUCKETS = f"le:{USE}_bucket:rate5m"
FILL = [("pool_saturated", YELLOW), ("pool_exhausted", RED)]
SLOW = [("pool_wait_warning", YELLOW), ("pool_wait_page", RED)]
NOT_OPENED = "no connection is being opened"
NO_HEALTH = "Pools of health checks are left out."
IDLE = "no caller has asked for a connection yet"
BY_INSTANCE = "{{instance}} {{pool}}"


def _unreturned(by: str) -> str:
    pools = 'pool!~"redis-rq|(redis-)?health"'
    used = pick(COUNT, 'state="used"', pools)
    return f"sum by ({by}) (avg_over_time({used}[$__rate_interval])) - {sum_rate(f'{USE}_sum', by, pools)}"


def _most(expr: str) -> str:
    """The ten highest that are not 0: with fifty workers the zeros would be all that is seen."""
    return f"topk(10, {expr} > 0)"


def _answer() -> list[Any]:
    return [
        number(
            "Fullest pool",
            f"The worst pool of the worst instance. At 100 % the next caller waits. {NO_HEALTH}",
            max_of(POOL_FILL),
            "percentunit",
            limits=FILL,
            alerts=["ConnectionPoolExhausted", "ConnectionPoolSaturated"],
        ),
        number(
            "Callers waiting",
            "Callers that wait for a connection now, in all pools. More than 0 for long is saturation.",
            sum_of("db_client_connection_pending_requests"),
            "none",
            limits=[(1, YELLOW), (10, RED)],
        ),
        number(
            "Timed out, in view",
            "Callers that got no connection before their deadline, in the time shown. Each was a 503 or a failed job.",
            f"sum(increase({pick('db_client_connection_timeouts_total')}[$__range]))",
            "none",
            limits=[(1, RED)],
            alerts=["ConnectionPoolTimeouts"],
        ),
        number(
            "Wait, 99th percentile",
            f"99 of 100 callers of the slowest pool had their connection within this time. {ALL_PROCESSES}",
            f"max({pick_job(WAIT_P99)})",
            "s",
            limits=SLOW,
            may_be_empty=IDLE,
        ),
        number(
            "Open connections",
            "Connections that our processes hold open, used or idle: what the servers see of us.",
            sum_of(COUNT),
            "none",
        ),
        number(
            "Could be opened",
            "Sum of all maxima. It must stay below what the server allows, or a busy day ends in refusals.",
            sum_of(MAX),
            "none",
            alerts=["ConnectionPoolsAboveServer"],
        ),
        saturation(
            "Fullest of each pool",
            "Used connections as a share of the maximum, on the instance that is worst off, with the lines that warn "
            f"and page. {NO_HEALTH}",
            [Line(max_of(POOL_FILL, "job, pool"), "{{job}} {{pool}}")],
            FILL,
            width=12,
            alerts=["ConnectionPoolExhausted", "ConnectionPoolSaturated"],
            many=True,
        ),
        heat_of(
            "Fill of each instance's pool",
            "A row for each instance: its fullest pool, from green to red in steps of 10 %. A red row among green ones "
            "is that instance's trouble, a red column is everybody's.",
            Line(f"round({max_of(POOL_FILL, 'instance')}, 0.1)", "{{instance}}"),
            "percentunit",
            1,
            alerts=["ConnectionPoolExhausted", "ConnectionPoolSaturated"],
        ),
        graph(
            "Callers waiting",
            "Waiters by instance and pool. They appear when the pool is full, and end as timeouts if it stays so.",
            [Line(_most(max_of("db_client_connection_pending_requests", "instance, pool")), BY_INSTANCE)],
            "short",
            alerts=["ConnectionPoolExhausted"],
            may_be_empty="nobody waits",
        ),
        graph(
            "Timeouts",
            "Callers that got no connection in time, per second.",
            [Line(_most(sum_rate("db_client_connection_timeouts_total", "instance, pool")), BY_INSTANCE)],
            "cps",
            alerts=["ConnectionPoolTimeouts"],
            may_be_empty="every caller got its connection in time",
        ),
        graph(
            "Who holds connections",
            "Connections held on average by each use (its seconds of use per second). The top line is who "
            "to ask first.",
            [Line(top_sum_rate(6, f"{USE}_sum", "pool, route"), "{{pool}} {{route}}")],
            "short",
            stacked=True,
            may_be_empty=IDLE,
            many=True,
        ),
    ]


def _waiting() -> list[Any]:
    return [
        heat_recorded(
            "Wait for a connection",
            f"How long callers waited, per second by duration. {ALL_PROCESSES} {NO_HEALTH}",
            WAIT_BUCKETS,
            may_be_empty=IDLE,
        ),
        graph(
            "Mean wait by instance",
            "Mean wait of each instance's callers. Above 50 ms it is felt, above 100 ms it hurts.",
            [Line(f"topk(10, {mean_of(WAIT, 'instance, pool')})", BY_INSTANCE)],
            "s",
            limits=SLOW,
            alerts=["ConnectionPoolSlow"],
            may_be_empty=IDLE,
            many=True,
        ),
        graph(
            "Wait by pool, 99th percentile",
            "One caller in a hundred waited longer. A wait without waiters: the pool opens connections all the time. "
            f"{ALL_PROCESSES}",
            [Line(pick_job(WAIT_P99), "{{job}} {{pool}}")],
            "s",
            limits=SLOW,
            alerts=["ConnectionPoolSlow"],
            may_be_empty=IDLE,
            many=True,
        ),
    ]


def _holding() -> list[Any]:
    return [
        graph(
            "Use time by route, 99th percentile",
            "How long each use keeps a connection. A rising line that never falls is a leak or a slow query. "
            f"{ALL_PROCESSES}",
            [Line(f"topk(10, {pick_job(USE_P99)})", "{{route}} {{pool}} {{job}}")],
            "s",
            limits=[("pool_use_p99", YELLOW)],
            alerts=["ConnectionPoolHeldLong"],
            may_be_empty=IDLE,
            many=True,
        ),
        heat_recorded(
            "Use time",
            f"How long connections were kept, per second by duration. {ALL_PROCESSES} RQ's own pool and those of "
            "health checks are left out.",
            USE_BUCKETS,
            may_be_empty=IDLE,
        ),
        graph(
            "Used and idle, all instances",
            "What the server behind the pool sees of us. Idle ones cost it memory, used ones cost it work.",
            [
                Line(sum_of(COUNT, "pool, state"), "{{pool}} {{state}}"),
                Line(sum_of(MAX, "pool"), "{{pool}} maximum"),
            ],
            "short",
            many=True,
        ),
        graph(
            "Used by kind of process",
            "Which job uses a pool: API, workers, dispatcher, exporter.",
            [Line(sum_of(COUNT, "job, pool", 'state="used"'), "{{job}} {{pool}}")],
            "short",
            stacked=True,
            many=True,
        ),
        graph(
            "Not returned",
            "Connections in use beyond what callers returned. A line that stays up is a leak, or a use without an end; "
            "the alert takes 15 minutes together. Noise around 0 is normal. RQ's own pool and those of health checks "
            "are left out.",
            [Line(f"topk(10, {_unreturned('instance, pool')})", BY_INSTANCE)],
            "short",
            limits=[("pool_unreturned", YELLOW)],
            alerts=["ConnectionPoolLeak"],
            many=True,
        ),
        rate(
            "Checkouts",
            "Connections handed out per second: the load that the pool carries.",
            f"{WAIT}_count",
            "pool",
            may_be_empty=IDLE,
        ),
    ]


def _churn() -> list[Any]:
    return [
        graph(
            "Opened",
            "New connections per second. A steady rate under steady load is churn: a pool too small, or a server that "
            "hangs up.",
            [Line(_most(sum_rate(f"{CREATE}_count", "instance, pool")), BY_INSTANCE)],
            "cps",
            limits=[("pool_churn", YELLOW)],
            alerts=["ConnectionPoolChurn"],
            may_be_empty=NOT_OPENED,
            many=True,
        ),
        saturation(
            "Opened, of checkouts",
            "A pool that works opens next to nothing; above the line, and above that of the rate, it is churn.",
            [Line(ratio_of(sum_rate(f"{CREATE}_count", "pool"), sum_rate(f"{WAIT}_count", "pool")), "{{pool}}")],
            [("pool_churn_share", YELLOW)],
            alerts=["ConnectionPoolChurn"],
            may_be_empty=IDLE,
        ),
        graph(
            "Closed, by reason",
            "Connections closed per second: broken (the server hung up), deadline, expired, shutdown.",
            [Line(_most(sum_rate("db_client_connection_closed_total", "pool, reason")), "{{pool}} {{reason}}")],
            "cps",
            may_be_empty="no connection is being closed",
        ),
        graph(
            "Time to open",
            "99 of 100 connections were opened within this time. Slow opens are a server at its limit, a slow name "
            f"lookup, or a network. {ALL_PROCESSES}",
            [Line(pick_job(CREATE_P99), "{{job}} {{pool}}")],
            "s",
            may_be_empty=NOT_OPENED,
            many=True,
        ),
    ]


def build() -> dict[str, Any]:
    """The connection pools, as Grafana's JSON."""
    board = start(
        "palmonas-pools",
        "Is a pool full, on which instance, who holds it.",
        jobs_from="db_client_connection_max",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "The servers' own view", show_servers())
    board = add_row(board, "Waiting", _waiting())
    board = add_row(board, "Holding", _holding())
    return finish(add_row(board, "Opening and closing", _churn()))
