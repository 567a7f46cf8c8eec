"""The front door: does it answer, with which servers, and does anybody wait or get refused."""

from __future__ import annotations

from typing import Any

from dashboards.dress import DAY_S, DAYS
from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, listing, number, rate, saturation
from dashboards.queries import Line, max_of, pick, ratio_of, sum_of, sum_rate
from rules.limits import limit

UP = "job_instance_proxy:haproxy_server_up:sum"
DOWN = "job_instance_proxy:haproxy_server_down:sum"
ERRORS = "job_instance_proxy:haproxy_frontend_5xx:ratio_rate5m"
QUEUE = "job_instance_proxy:haproxy_queue:sum"
FRONTENDS = "job_instance_proxy:haproxy_frontend_sessions:ratio"
SERVERS = "job_instance_proxy_server:haproxy_server_sessions:ratio"
RETRIES = "job_instance_proxy:haproxy_backend_retries:ratio_rate5m"
RESPONSES = "haproxy_frontend_http_responses_total"
STATUS = "haproxy_server_status"
BY_SERVER = "{{proxy}} {{server}}"
WITHOUT = "no HAProxy runs here"
NOT_PROBED = "no blackbox exporter asks from outside"


def _answer() -> list[Any]:
    return [
        number(
            "Without a server",
            "Backends of which no server is up and one is down. Servers in maintenance do not count as down.",
            f"sum({pick(UP)} == bool 0 and {pick(DOWN)} > 0) or 0 * count({pick(UP)})",
            "none",
            limits=[(1, RED)],
            alerts=["HaproxyNoServerUp"],
            may_be_empty=WITHOUT,
        ),
        number(
            "Front door from outside",
            "1: a request from outside is answered. 0: it is not.",
            f"min({pick('probe_success')})",
            "none",
            limits=[(0, RED), (1, "green")],
            alerts=["FrontDoorProbeFailed"],
            may_be_empty=NOT_PROBED,
        ),
        number(
            "Servers down",
            "Servers whose health check fails.",
            sum_of(DOWN),
            "none",
            limits=[(1, YELLOW)],
            alerts=["HaproxyServerDown"],
            may_be_empty=WITHOUT,
        ),
        number(
            "5xx",
            "Share of 5xx in the answers of the worst frontend, HAProxy's own and the instances'.",
            max_of(ERRORS),
            "percentunit",
            limits=[("haproxy_errors", YELLOW)],
            alerts=["HaproxyErrors"],
            may_be_empty="nobody has asked anything in 5 minutes",
        ),
        number(
            "Waiting requests",
            "Requests that wait for a free server, in all backends.",
            sum_of(QUEUE),
            "none",
            limits=[(limit("haproxy_queue") + 1, YELLOW)],
            alerts=["HaproxyQueue"],
            may_be_empty=WITHOUT,
        ),
        number(
            "Fullest",
            "Sessions of those allowed, of the fullest frontend or server.",
            f"max({pick(SERVERS)} or {pick(FRONTENDS)})",
            "percentunit",
            limits=[("haproxy_sessions", YELLOW)],
            alerts=["HaproxySessionsNearLimit"],
            may_be_empty=WITHOUT,
        ),
        listing(
            "Servers and their state",
            "UP takes requests, DOWN fails its health check; MAINT and DRAIN are an operator's doing.",
            f"{pick(STATUS)} == 1",
            ["proxy", "server", "state", "instance"],
            alerts=["HaproxyServerDown", "HaproxyNoServerUp"],
            may_be_empty=WITHOUT,
        ),
        graph(
            "Answers by status",
            "What senders and operators got, per second.",
            [Line(sum_rate(RESPONSES, "code", 'proxy!="stats"'), "{{code}}")],
            "reqps",
            stacked=True,
            width=12,
            alerts=["HaproxyErrors"],
            may_be_empty=WITHOUT,
        ),
    ]


def _servers() -> list[Any]:
    return [
        graph(
            "Servers up, by backend",
            "A backend at 0 answers 503.",
            [Line(sum_of(UP, "proxy"), "{{proxy}}")],
            "short",
            alerts=["HaproxyNoServerUp"],
            may_be_empty=WITHOUT,
        ),
        graph(
            "Taken out by the health check",
            "Times in the time shown that the check took a server out. A rolling restart does it once for each.",
            [
                Line(
                    f"sum by (proxy, server) (increase({pick('haproxy_server_check_up_down_total')}[$__range]))",
                    BY_SERVER,
                )
            ],
            "short",
            limits=[("haproxy_flaps", YELLOW)],
            alerts=["HaproxyServerFlapping"],
            may_be_empty=WITHOUT,
        ),
        rate(
            "Failed health checks",
            "Failed checks per second; the first ones do not take a server out.",
            "haproxy_server_check_failures_total",
            "proxy, server",
            may_be_empty=WITHOUT,
        ),
        rate(
            "5xx by server",
            "5xx answers per second that came from an instance; the rest of the 5xx are HAProxy's own.",
            "haproxy_server_http_responses_total",
            "proxy, server",
            'code="5xx"',
            unit="reqps",
            may_be_empty=WITHOUT,
        ),
        graph(
            "Retries",
            "Share of requests that needed another try, on the same server or on another.",
            [Line(pick(RETRIES), "{{instance}} {{proxy}}")],
            "percentunit",
            limits=[("haproxy_retries", YELLOW)],
            alerts=["HaproxyRetries"],
            may_be_empty="nobody has asked anything in 5 minutes",
        ),
        rate(
            "Connections refused by a server",
            "Connections to a server that failed, per second.",
            "haproxy_server_connection_errors_total",
            "proxy, server",
            may_be_empty=WITHOUT,
        ),
    ]


def _load() -> list[Any]:
    return [
        graph(
            "Waiting requests, by backend",
            "The queue appears when every server of a backend has as many sessions as it may.",
            [Line(sum_of(QUEUE, "instance, proxy"), "{{instance}} {{proxy}}")],
            "short",
            alerts=["HaproxyQueue"],
            may_be_empty=WITHOUT,
        ),
        graph(
            "Time in the queue",
            "Mean of the last 1,024 requests of each server; those that did not wait count.",
            [Line(max_of("haproxy_server_queue_time_average_seconds", "proxy, server"), BY_SERVER)],
            "s",
            may_be_empty="no server has had a request yet",
        ),
        saturation(
            "Sessions of those allowed",
            "Of each server and each frontend.",
            [Line(pick(SERVERS), BY_SERVER), Line(pick(FRONTENDS), "{{proxy}}")],
            [("haproxy_sessions", YELLOW)],
            alerts=["HaproxySessionsNearLimit"],
            may_be_empty=WITHOUT,
        ),
        rate(
            "Requests by server",
            "How the load is spread.",
            "haproxy_server_http_responses_total",
            "proxy, server",
            unit="reqps",
            may_be_empty=WITHOUT,
        ),
        graph(
            "Response time by server",
            "Mean of the last 1,024 requests, as HAProxy saw it.",
            [Line(max_of("haproxy_server_response_time_average_seconds", "proxy, server"), BY_SERVER)],
            "s",
            may_be_empty="no server has had a request yet",
        ),
        saturation(
            "HAProxy's own time",
            "Share of the time in which HAProxy was busy.",
            [Line(f"1 - {pick('haproxy_process_idle_time_percent')} / 100", "{{instance}}")],
            [],
            may_be_empty=WITHOUT,
        ),
    ]


def _outside() -> list[Any]:
    return [
        graph(
            "HAProxy answers Prometheus",
            "1: it does. A line that ends is a target that went.",
            [Line(pick("up"), "{{job}} {{instance}}")],
            "none",
            top=1,
            alerts=["HaproxyDown", "HaproxyAbsent"],
            many=True,
        ),
        graph(
            "Time of an answer, from outside",
            "What somebody outside waited for, by phase.",
            [Line(max_of("probe_http_duration_seconds", "instance, phase"), "{{instance}} {{phase}}")],
            "s",
            stacked=True,
            alerts=["FrontDoorProbeFailed"],
            may_be_empty=NOT_PROBED,
        ),
        graph(
            "Certificate runs out in",
            "Of the first certificate of the chain to run out.",
            [Line(f"(({pick('probe_ssl_earliest_cert_expiry')} > 0) - time()) / {DAY_S}", "{{instance}}")],
            DAYS,
            limits=[(0, RED), (limit("certificate_left") / DAY_S, "green")],
            alerts=["CertificateExpires"],
            may_be_empty="the front door is asked without TLS, or not at all",
        ),
        graph(
            "Denied",
            "Requests that HAProxy refused by its rules, as a share of all.",
            [
                Line(
                    ratio_of(
                        sum_rate("haproxy_frontend_requests_denied_total", "proxy"),
                        sum_rate("haproxy_frontend_http_requests_total", "proxy"),
                    ),
                    "{{proxy}}",
                )
            ],
            "percentunit",
            width=24,
            may_be_empty="nobody has asked anything yet",
        ),
    ]


def build() -> dict[str, Any]:
    """The front door, as Grafana's JSON."""
    board = start(
        "palmonas-haproxy",
        "Does the front door answer, with which servers, and does anybody wait.",
        jobs_from="haproxy_process_uptime_seconds",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Servers", _servers())
    board = add_row(board, "Load", _load())
    return finish(add_row(board, "From outside", _outside()))
