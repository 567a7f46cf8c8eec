"""Overview: is it us, which part, since when."""

from __future__ import annotations

from typing import Any

from dashboards.dress import HOUR_S, HOURS
from dashboards.frame import add_row, finish, start
from dashboards.panels import GREEN, GREY, RED, YELLOW, graph, listing, number, quantiles, rate, saturation, states
from dashboards.parts import CHOSEN, find_worst
from dashboards.queries import (
    ACCEPT_BUCKETS,
    ALL_INSTANCES,
    BLIND,
    NOTHING_FIRES,
    POOL_FILL,
    Line,
    max_of,
    name_subject,
    pick,
    pick_job,
    rate_of,
    ratio_of,
    recorded_quantile,
    sum_rate,
)
from rules.limits import limit, tell_seconds

ACCEPT = "palmonas_accept_duration_seconds"
STORED = "palmonas_accept_to_stored_seconds"
NO_TRAFFIC = "nobody has sent anything yet"
FIRING = f'ALERTS{{{CHOSEN}, alertstate="firing", severity=~"page|warning"}}'


def _answer() -> list[Any]:
    unavailable = ratio_of(sum_rate(f"{ACCEPT}_count", "", 'outcome="unavailable"'), sum_rate(f"{ACCEPT}_count", ""))
    return [
        number(
            "Alerts firing",
            "Alerts that page or warn and fire now. 0 is green; what fires is listed below.",
            f"count({FIRING}) or {NOTHING_FIRES}",
            "none",
            limits=[(1, RED)],
            leads_to="palmonas-alerts",
            without=BLIND,
        ),
        number(
            "Processes down",
            "Processes that Prometheus knows and cannot scrape: dead, frozen, or cut off.",
            f"sum({pick('up')} == bool 0)",
            "none",
            limits=[(1, RED)],
            alerts=["PalmonasApiDown"],
        ),
        number(
            "Accepted",
            "Deliveries that were stored in the inbox and answered 2xx for the first time.",
            sum_rate(f"{ACCEPT}_count", "", 'outcome="accepted"'),
            "cps",
            may_be_empty=NO_TRAFFIC,
            leads_to="palmonas-api",
        ),
        number(
            "Answered 503",
            "Share of deliveries that got 503 because the store could not answer in time. Senders try again.",
            unavailable,
            "percentunit",
            limits=[(0.001, YELLOW), (0.01, RED)],
            may_be_empty=NO_TRAFFIC,
            leads_to="palmonas-api",
        ),
        number(
            "Accept, p99",
            f"99 of 100 webhooks were answered within this time. The target is {tell_seconds(limit('accept_p99'))}. "
            f"{ALL_INSTANCES}",
            recorded_quantile(0.99, ACCEPT_BUCKETS),
            "s",
            limits=[("accept_p99", YELLOW), (1, RED)],
            may_be_empty=NO_TRAFFIC,
            leads_to="palmonas-api",
        ),
        number(
            "Oldest not stored",
            "Age of the oldest accepted delivery that is not an order yet. The target is 5 s.",
            max_of("palmonas_inbox_oldest_age_seconds"),
            "s",
            limits=[(5, YELLOW), ("inbox_age_page", RED)],
            alerts=["InboxOldestAge", "CollectorFailed"],
            leads_to="palmonas-queues",
        ),
        listing(
            "Firing now",
            "Every alert that pages or warns now, what has fired longest first. Each leads to its runbook.",
            f"sort({name_subject(f'ALERTS_FOR_STATE{{{CHOSEN}}} * 1000 and ignoring (alertstate) {FIRING}')})",
            ["alertname", "Value", "severity", "what"],
            unit="dateTimeFromNow",
            value="active since",
            leads_to="palmonas-alerts",
            may_be_empty="no alert fires",
        ),
        states(
            "Parts, by what fires",
            "Each part of the service over time: quiet, or an alert fires for it that warns or pages. Grey: nobody "
            "watches it, or what is chosen above has nothing of it. A gap: no rule is evaluated. A row leads to the "
            "part's dashboard.",
            Line(find_worst(), "{{area}}"),
            {"-1": ("not watched", GREY), "0": ("quiet", GREEN), "1": ("warns", YELLOW), "2": ("pages", RED)},
            without=BLIND,
        ),
        graph(
            "Accepted against stored",
            "What comes in and what becomes an order. Lines that part mean a backlog is growing or being worked off.",
            [
                Line(sum_rate(f"{ACCEPT}_count", "", 'outcome="accepted"'), "accepted"),
                Line(sum_rate("palmonas_deliveries_stored_total"), "stored"),
            ],
            "cps",
            alerts=["InboxOldestAge"],
            may_be_empty=NO_TRAFFIC,
            leads_to="palmonas-orders",
        ),
        rate(
            "Deliveries by outcome",
            "Every webhook that was answered: accepted, duplicate (2xx as well), rejected (4xx), unavailable (503).",
            f"{ACCEPT}_count",
            "outcome",
            stacked=True,
            may_be_empty=NO_TRAFFIC,
            leads_to="palmonas-api",
        ),
        quantiles(
            "From accepted to stored",
            "Time until an accepted delivery is an order in the store, by PostgreSQL's clock. The target is 5 s.",
            STORED,
            may_be_empty=NO_TRAFFIC,
            leads_to="palmonas-orders",
        ),
    ]


def _parts() -> list[Any]:
    return [
        saturation(
            "Fullest connection pool",
            "The worst instance of each pool, but those of health checks. Details: the connection pools dashboard.",
            [Line(max_of(POOL_FILL, "pool"), "{{pool}}")],
            [("pool_saturated", YELLOW), ("pool_exhausted", RED)],
            alerts=["ConnectionPoolExhausted", "ConnectionPoolSaturated", "ConnectionPoolTimeouts"],
            leads_to="palmonas-pools",
        ),
        graph(
            "Oldest waiting job",
            "Age of the job that waits longest in each queue. Details: the queues dashboard.",
            [Line(max_of("rq_queue_oldest_job_age_seconds", "queue"), "{{queue}}")],
            "s",
            limits=[("job_age_warning", YELLOW), ("job_age_page", RED)],
            alerts=["QueueOldestJobAge", "QueueNoWorker"],
            leads_to="palmonas-queues",
        ),
        graph(
            "Inbox, outbox, quarantine",
            "Deliveries not stored, messages not delivered, deliveries set aside. Each is counted to 100,000.",
            [
                Line(max_of("palmonas_inbox_pending"), "inbox"),
                Line(max_of("palmonas_outbox_pending"), "outbox"),
                Line(max_of("palmonas_inbox_quarantined"), "quarantine"),
            ],
            "short",
            alerts=["InboxOldestAge"],
            leads_to="palmonas-queues",
        ),
    ]


def _objectives() -> list[Any]:
    left, burn = "job_slo:palmonas_slo_budget_left:ratio30d", "job_slo:palmonas_slo_errors:ratio_rate1h"
    return [
        graph(
            "Error budget left",
            "Share of 30 days' budget that is left, of each objective. Below 0 % the promise is broken.",
            [Line(pick_job(left), "{{slo}}")],
            "percentunit",
            width=12,
            alerts=["SloBudgetBurn"],
            leads_to="palmonas-slo",
            may_be_empty="no full hour with traffic has passed yet",
        ),
        graph(
            "Burn of the last hour",
            "Times of the pace that uses the budget up in exactly 30 days. At the line somebody is called.",
            [Line(f"{pick_job(burn)} / on (slo) group_left () slo:palmonas_slo_budget:ratio", "{{slo}}")],
            "short",
            limits=[(14.4, RED)],
            width=12,
            alerts=["SloBudgetBurn"],
            leads_to="palmonas-slo",
            may_be_empty="nothing has happened that counts",
        ),
    ]


def _processes() -> list[Any]:
    named = "{{instance}}"
    return [
        states(
            "Processes",
            "Each scraped process over time; red is a process that did not answer. A gap is one nobody asked for.",
            Line(pick("up"), "{{instance}}"),
            {"0": ("down", RED), "1": ("up", GREEN)},
            width=24,
            alerts=["PalmonasApiDown", "PalmonasApiAbsent", "DispatcherMissing", "ExporterMissing"],
        ),
        graph(
            "CPU",
            "Processor time of each process; 100 % is one core, the most that one process of ours can use.",
            [Line(rate_of("process_cpu_seconds_total"), named)],
            "percentunit",
            leads_to="palmonas-containers",
            many=True,
        ),
        graph(
            "Memory",
            "Resident memory of each process.",
            [Line(pick("process_resident_memory_bytes"), named)],
            "bytes",
            leads_to="palmonas-containers",
            many=True,
        ),
        saturation(
            "Open files, of the limit",
            "File descriptors in use. A line that only rises is a leak of connections or files.",
            [Line(f"{pick('process_open_fds')} / {pick('process_max_fds')}", named)],
            [("file_descriptors", YELLOW)],
            alerts=["ProcessFileDescriptorsLow"],
            many=True,
        ),
        graph(
            "Restarts",
            "Processes that died and were started again by the supervisor, in the width of a point.",
            [
                Line(
                    f"sum by (process) (increase({pick('palmonas_process_restarts_total')}[$__rate_interval]))",
                    "{{process}}",
                )
            ],
            "short",
            may_be_empty="no supervisor of ours runs, as in containers",
            many=True,
        ),
        graph(
            "Uptime",
            "Time since each process started. A saw is a crash loop.",
            [Line(f"(time() - {pick('process_start_time_seconds')}) / {HOUR_S}", named)],
            HOURS,
            many=True,
        ),
        listing(
            "Versions",
            "What runs where. Two versions at once are a deploy that is under way, or stuck.",
            pick("palmonas_build_info"),
            ["job", "instance", "process", "version"],
            width=8,
        ),
    ]


def build() -> dict[str, Any]:
    """The overview, as Grafana's JSON."""
    board = start("palmonas-overview", "Is it us, which part, since when.", jobs_from="up")
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Shared parts", _parts())
    board = add_row(board, "Promises", _objectives())
    return finish(add_row(board, "Processes of ours", _processes()))
