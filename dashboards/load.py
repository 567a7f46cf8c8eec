"""Load test: what the client measures beside what the server says of the same seconds."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, heat_map, number, rate, saturation
from dashboards.queries import (
    ACCEPT_BUCKETS,
    POOL_FILL,
    Line,
    max_of,
    pick,
    quantile_of,
    rate_of,
    ratio_of,
    recorded_quantile,
    sum_of,
    sum_rate,
)

CLIENT = "palmonas_load_request_duration_seconds"
SERVER = "palmonas_accept_duration_seconds"
FLASK = "flask_http_request_duration_seconds"
ACCEPTS, LISTS = 'request=~"accept .+"', 'request=~"list .+"'
NO_LOAD = "no load test has run in the time shown; `make load` starts one"
NO_TRAFFIC = "nobody has sent anything yet"
ACCEPT_LIMITS = [("accept_p99", YELLOW)]


def _answer() -> list[Any]:
    failed = ratio_of(sum_rate(f"{CLIENT}_count", "", 'outcome="failed"'), sum_rate(f"{CLIENT}_count"))
    return [
        number(
            "Users",
            "Sales channels and operators that the load test plays now.",
            sum_of("palmonas_load_users"),
            "none",
            may_be_empty=NO_LOAD,
        ),
        number(
            "Requests made",
            "Requests per second that the client saw end, well or not.",
            sum_rate(f"{CLIENT}_count"),
            "reqps",
            may_be_empty=NO_LOAD,
        ),
        number(
            "Failed",
            "Share of requests that failed for the client: a wrong answer, or none. A run may have 1 %.",
            f"({failed}) or 0 * sum({rate_of(f'{CLIENT}_count')})",
            "percentunit",
            limits=[(0.001, YELLOW), (0.01, RED)],
            may_be_empty=NO_LOAD,
        ),
        number(
            "Accept p99, client",
            "99 of 100 webhooks were answered within this time, as the sender saw it. A run may have 500 ms.",
            quantile_of(0.99, CLIENT, "", ACCEPTS),
            "s",
            limits=[*ACCEPT_LIMITS, (0.5, RED)],
            may_be_empty=NO_LOAD,
        ),
        number(
            "Accept p99, server",
            "The same over five minutes, as all of the API saw it. What the client has more is queues before it, the "
            "network, or the client.",
            recorded_quantile(0.99, ACCEPT_BUCKETS),
            "s",
            limits=[*ACCEPT_LIMITS, (0.5, RED)],
            alerts=["PalmonasApiSlow"],
            may_be_empty=NO_TRAFFIC,
        ),
        number(
            "Oldest not stored",
            "Age of the oldest accepted delivery that is not an order yet: does the rest of the house keep up.",
            max_of("palmonas_inbox_oldest_age_seconds"),
            "s",
            limits=[(5, YELLOW), ("inbox_age_page", RED)],
            alerts=["InboxOldestAge"],
            leads_to="palmonas-queues",
        ),
        graph(
            "Time of a webhook: client and server",
            "Median and 99th percentile on both sides, the server's over five minutes. Lines that part: requests wait "
            "before the API reads them.",
            [
                Line(quantile_of(0.99, CLIENT, "", ACCEPTS), "client p99"),
                Line(recorded_quantile(0.99, ACCEPT_BUCKETS), "server p99"),
                Line(quantile_of(0.5, CLIENT, "", ACCEPTS), "client p50"),
                Line(recorded_quantile(0.5, ACCEPT_BUCKETS), "server p50"),
            ],
            "s",
            limits=ACCEPT_LIMITS,
            width=12,
            alerts=["PalmonasApiSlow"],
            may_be_empty=NO_LOAD,
        ),
        graph(
            "Accepted: client and server",
            "Deliveries per second that got their 2xx, as each side counts them, and those stored as orders. The "
            "server may have more: others send, too.",
            [
                Line(sum_rate("palmonas_load_deliveries_total", "", 'outcome="accepted"'), "client was told"),
                Line(sum_rate(f"{SERVER}_count", "", 'outcome=~"accepted|duplicate"'), "server accepted"),
                Line(sum_rate("palmonas_deliveries_stored_total"), "stored"),
            ],
            "cps",
            width=12,
            may_be_empty=NO_LOAD,
        ),
    ]


def _client() -> list[Any]:
    own_cpu = f"{rate_of('process_cpu_seconds_total')} and on (job, instance) {pick('palmonas_load_users')}"
    return [
        graph(
            "Users by kind",
            "The shape of the load.",
            [Line(sum_of("palmonas_load_users", "kind"), "{{kind}}")],
            "short",
            stacked=True,
            may_be_empty=NO_LOAD,
        ),
        rate(
            "Requests by kind",
            "What the client asked for.",
            f"{CLIENT}_count",
            "request",
            unit="reqps",
            may_be_empty=NO_LOAD,
        ),
        graph(
            "Time by kind of request, 99th percentile",
            "As the client saw it. Only webhooks slow is the accept path; only lists slow is the store's reading side.",
            [Line(f"topk(10, {quantile_of(0.99, CLIENT, 'request')})", "{{request}}")],
            "s",
            may_be_empty=NO_LOAD,
        ),
        heat_map("Time of webhooks", "As the client saw them, counted.", CLIENT, ACCEPTS, may_be_empty=NO_LOAD),
        heat_map("Time of lists", "As the operator saw them, counted.", CLIENT, LISTS, may_be_empty=NO_LOAD),
        graph(
            "Failures",
            "By request and status; `no answer` is a time-out or a broken connection.",
            [Line(sum_rate("palmonas_load_failures_total", "request, status"), "{{request}}: {{status}}")],
            "cps",
            may_be_empty="no request has failed",
        ),
        graph(
            "Deliveries by outcome",
            "Duplicates are sent on purpose, and accepted; forged ones must be refused.",
            [Line(sum_rate("palmonas_load_deliveries_total", "outcome"), "{{outcome}}")],
            "cps",
            may_be_empty=NO_LOAD,
        ),
        graph(
            "The client's own processor",
            "Near 100 % of a core it measures itself: its times are too long then, and the load is less than wanted.",
            [Line(own_cpu, "{{instance}}")],
            "percentunit",
            limits=[(0.9, YELLOW)],
            may_be_empty=NO_LOAD,
        ),
        graph(
            "Lists: client and server",
            "Median and 99th percentile of the operator's lists on both sides.",
            [
                Line(quantile_of(0.99, CLIENT, "", LISTS), "client p99"),
                Line(quantile_of(0.99, FLASK, "", 'url_rule="/orders"', 'method="GET"'), "server p99"),
                Line(quantile_of(0.5, CLIENT, "", LISTS), "client p50"),
                Line(quantile_of(0.5, FLASK, "", 'url_rule="/orders"', 'method="GET"'), "server p50"),
            ],
            "s",
            may_be_empty=NO_LOAD,
        ),
    ]


def _server() -> list[Any]:
    in_flight = ratio_of(
        sum_of("palmonas_http_requests_in_flight", "instance"),
        sum_of("palmonas_http_requests_in_flight_max", "instance"),
    )
    return [
        saturation(
            "In flight, of capacity",
            "Requests being served by each instance, of those it can.",
            [Line(in_flight, "{{instance}}")],
            [("in_flight", YELLOW)],
            alerts=["PalmonasApiBusy"],
            leads_to="palmonas-api",
        ),
        graph(
            "Event loop lag, 99th percentile",
            "How late a timer fires. It rises when the processor is what runs out.",
            [Line(quantile_of(0.99, "gevent_hub_lag_seconds", "instance"), "{{instance}}")],
            "s",
            limits=[("hub_lag", YELLOW)],
            alerts=["PalmonasApiHubLag"],
            leads_to="palmonas-api",
        ),
        saturation(
            "Fullest pools",
            "The worst instance of each pool, but those of health checks.",
            [Line(max_of(POOL_FILL, "job, pool"), "{{job}} {{pool}}")],
            [("pool_saturated", YELLOW), ("pool_exhausted", RED)],
            alerts=["ConnectionPoolSaturated", "ConnectionPoolExhausted"],
            leads_to="palmonas-pools",
            many=True,
        ),
        graph(
            "Waiting in HAProxy",
            "Requests that wait for a free server, by backend: time that only the client sees.",
            [Line(sum_of("haproxy_backend_current_queue", "proxy"), "{{proxy}}")],
            "short",
            alerts=["HaproxyQueue"],
            leads_to="palmonas-haproxy",
            may_be_empty="no HAProxy runs here",
        ),
        graph(
            "CPU by process",
            "The ten that use most; 100 % is one core. On one machine the client takes its share from the service.",
            [Line(f"topk(10, {rate_of('process_cpu_seconds_total')})", "{{instance}}")],
            "percentunit",
            leads_to="palmonas-host",
            many=True,
        ),
        graph(
            "Answers that were no 2xx",
            "Webhooks by outcome: rejected (4xx), unavailable (503), failed (500).",
            [Line(sum_rate(f"{SERVER}_count", "outcome", 'outcome!~"accepted|duplicate"'), "{{outcome}}")],
            "cps",
            alerts=["PalmonasApiErrors", "PalmonasApiOverloaded"],
            leads_to="palmonas-api",
            may_be_empty=NO_TRAFFIC,
        ),
    ]


def build() -> dict[str, Any]:
    """The load test, as Grafana's JSON."""
    board = start("palmonas-load", "What does the client see, what does the server say of it.", jobs_from="up")
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Client", _client())
    return finish(add_row(board, "Server", _server()))
