"""API: how webhooks and requests are answered, and what slows them."""

from __future__ import annotations

from typing import Any

from dashboards.dress import HOUR_S, HOURS
from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, heat_recorded, number, quantiles, rate, saturation
from dashboards.queries import (
    ACCEPT_BUCKETS,
    ALL_INSTANCES,
    Line,
    mean_of,
    pick,
    pick_job,
    quantile_of,
    ratio_of,
    recorded_quantile,
    sum_of,
    sum_rate,
    top_sum_rate,
)
from rules.limits import limit, tell_seconds

ACCEPT = "palmonas_accept_duration_seconds"
FLASK = "flask_http_request_duration_seconds"
ROUTE_P99 = "job_method_url_rule:flask_http_request_duration_seconds:p99_rate5m"
NO_TRAFFIC = "nobody has sent anything yet"
ROLE = 'role=~".+"'  # only the API's targets have one
IN_FLIGHT = ratio_of(
    sum_of("palmonas_http_requests_in_flight", "instance"),
    sum_of("palmonas_http_requests_in_flight_max", "instance"),
)


def _answer() -> list[Any]:
    return [
        number(
            "Instances up",
            "API processes that Prometheus can scrape.",
            f"sum({pick('up', ROLE)})",
            "none",
            alerts=["PalmonasApiDown", "PalmonasApiAbsent"],
        ),
        number(
            "Webhooks per second",
            "Deliveries that were answered, whatever the outcome.",
            sum_rate(f"{ACCEPT}_count"),
            "cps",
            may_be_empty=NO_TRAFFIC,
        ),
        number(
            "Answered 503",
            "Share of deliveries that got 503 because the store could not answer in time. Senders try again.",
            ratio_of(sum_rate(f"{ACCEPT}_count", "", 'outcome="unavailable"'), sum_rate(f"{ACCEPT}_count")),
            "percentunit",
            limits=[(0.001, YELLOW), ("api_errors", RED)],
            alerts=["PalmonasApiErrors"],
            may_be_empty=NO_TRAFFIC,
        ),
        number(
            "Accept, p99",
            f"99 of 100 webhooks were answered within this time. The target is {tell_seconds(limit('accept_p99'))}. "
            f"{ALL_INSTANCES}",
            recorded_quantile(0.99, ACCEPT_BUCKETS),
            "s",
            limits=[("accept_p99", YELLOW), (1, RED)],
            alerts=["PalmonasApiSlow"],
            may_be_empty=NO_TRAFFIC,
        ),
        number(
            "In flight, of capacity",
            "The busiest instance: requests being served, as a share of what it serves at once.",
            f"max({IN_FLIGHT})",
            "percentunit",
            limits=[("in_flight", YELLOW), (1, RED)],
            alerts=["PalmonasApiBusy", "PalmonasApiStuck"],
        ),
        number(
            "Event loop lag, p99",
            "How late a 100 ms timer fires, over all instances. Above 100 ms every request waits.",
            quantile_of(0.99, "gevent_hub_lag_seconds"),
            "s",
            limits=[("hub_lag", YELLOW)],
            alerts=["PalmonasApiHubLag"],
        ),
    ]


def _accept() -> list[Any]:
    return [
        heat_recorded(
            "Accept time",
            f"How long webhooks took, per second by duration. {ALL_INSTANCES}",
            f"sum by (le) ({pick_job(ACCEPT_BUCKETS)})",
            may_be_empty=NO_TRAFFIC,
        ),
        graph(
            "Accept time by channel, 99th percentile",
            "One slow channel is a payload or a sender; all of them slow is the store or the event loop. "
            f"{ALL_INSTANCES}",
            [Line(recorded_quantile(0.99, ACCEPT_BUCKETS, "channel"), "{{channel}}")],
            "s",
            limits=[("accept_p99", YELLOW)],
            alerts=["PalmonasApiSlow"],
            may_be_empty=NO_TRAFFIC,
        ),
        rate(
            "Rejected, by reason",
            "Refused deliveries. A burst of bad_signature is an attack or a secret that was rotated on one side only.",
            "palmonas_deliveries_rejected_total",
            "channel, reason",
            may_be_empty="nothing was refused yet",
            many=True,
        ),
        quantiles(
            "Commit of the accept path",
            "Time of one INSERT and COMMIT for all waiting webhooks: the part of accept time that is PostgreSQL's.",
            "palmonas_accept_commit_duration_seconds",
            may_be_empty=NO_TRAFFIC,
        ),
        graph(
            "Deliveries in one commit",
            "Mean size of a group commit. It grows with load; 1 under load means that grouping does not work.",
            [Line(mean_of("palmonas_accept_batch_size", "instance"), "{{instance}}")],
            "short",
            may_be_empty=NO_TRAFFIC,
        ),
        rate(
            "Doorbell",
            "Hints to the ingest queue. failed and open: Redis is away; the dispatcher finds the work anyway.",
            "palmonas_doorbell_total",
            "outcome",
            may_be_empty=NO_TRAFFIC,
        ),
    ]


def _requests() -> list[Any]:
    return [
        rate(
            "Requests by status",
            "Requests that Flask routed: console, operations and health; webhooks too unless they are "
            "served before it.",
            f"{FLASK}_count",
            "status",
            stacked=True,
            may_be_empty="nobody has asked anything yet",
        ),
        graph(
            "Slowest routes, 99th percentile",
            f"The ten slowest URL rules. A rule, never a raw path. {ALL_INSTANCES}",
            [Line(f"topk(10, {pick_job(ROUTE_P99)})", "{{method}} {{url_rule}}")],
            "s",
            limits=[("request_p99", YELLOW)],
            alerts=["PalmonasApiSlow"],
            may_be_empty="nobody has asked anything yet",
            many=True,
        ),
        graph(
            "Server errors by route",
            "The ten URL rules with most 5xx answers, and exceptions that no handler caught.",
            [
                Line(
                    top_sum_rate(10, f"{FLASK}_count", "url_rule, status", 'status=~"5.."'),
                    "{{url_rule}} {{status}}",
                ),
                Line(sum_rate("flask_http_request_exceptions_total"), "exceptions"),
            ],
            "cps",
            alerts=["PalmonasApiErrors"],
            may_be_empty="no error yet",
        ),
        saturation(
            "Requests in flight, of capacity",
            "Requests being served, as a share of what the instance serves at once. At 100 % new ones wait "
            "in the kernel.",
            [Line(IN_FLIGHT, "{{instance}}")],
            [("in_flight", YELLOW), (1, RED)],
            alerts=["PalmonasApiBusy", "PalmonasApiStuck"],
        ),
        graph(
            "Event loop lag, 99th percentile",
            "How late a 100 ms timer fires. Above 100 ms something keeps the loop to itself, and every request waits.",
            [Line(quantile_of(0.99, "gevent_hub_lag_seconds", "instance"), "{{instance}}")],
            "s",
            limits=[("hub_lag", YELLOW)],
            alerts=["PalmonasApiHubLag"],
        ),
        graph(
            "Connections not yet accepted",
            "Connections that the kernel holds for the instance. More than a few for long: it cannot keep up.",
            [Line(sum_of("palmonas_listen_backlog_connections", "instance"), "{{instance}}")],
            "short",
        ),
    ]


def _stability() -> list[Any]:
    taken = "job_channel:palmonas_deliveries_taken:increase1h"
    return [
        graph(
            "Time since the start",
            "How long each process has run. A saw is a process that restarts over and over; a deploy is one step.",
            [Line(f"(time() - {pick('process_start_time_seconds', ROLE)}) / {HOUR_S}", "{{instance}}")],
            HOURS,
            alerts=["PalmonasApiRestarts"],
        ),
        rate(
            "Answered 503, by reason",
            "Deliveries that were not taken. overloaded: more bytes wait for their commit than the instance may hold.",
            "palmonas_deliveries_unavailable_total",
            "instance, reason",
            alerts=["PalmonasApiOverloaded", "PalmonasApiErrors"],
            many=True,
        ),
        graph(
            "Deliveries of an hour, against last week",
            "Deliveries taken within an hour, and in the same hour a week ago (missing in the first week).",
            [
                Line(f"sum({pick_job(taken)})", "now"),
                Line(f"sum({pick_job(taken)} offset 1w)", "a week ago"),
            ],
            "short",
            alerts=["PalmonasApiTrafficDrop"],
            may_be_empty=NO_TRAFFIC,
        ),
    ]


def build() -> dict[str, Any]:
    """The API, as Grafana's JSON."""
    board = start(
        "palmonas-api",
        "How webhooks and requests are answered, and what slows them.",
        jobs_from="palmonas_http_requests_in_flight_max",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Accepting webhooks", _accept())
    board = add_row(board, "Requests", _requests())
    return finish(add_row(board, "Stability and traffic", _stability()))
