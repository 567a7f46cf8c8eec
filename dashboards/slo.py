"""Service level objectives: what is left of each budget, how fast it burns, and which one is worst."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.panels import GREEN, RED, YELLOW, graph, listing, number
from dashboards.queries import BLIND, NOTHING_FIRES, Line, pick_job
from rules.limits import limit, promised_seconds, tell_seconds

LEFT = "job_slo:palmonas_slo_budget_left:ratio30d"
BUDGET = "slo:palmonas_slo_budget:ratio"
FIRING = 'ALERTS{job=~"$job|", instance=~"$instance|", alertname="SloBudgetBurn", alertstate="firing"}'
BURN = ["SloBudgetBurn"]
NO_HOUR = "no full hour with traffic has passed yet"
NO_EVENT = "nothing has happened that counts"


def _promises() -> dict[str, str]:
    """What each objective promises, in words."""
    answer, store = (tell_seconds(promised_seconds(slo)) for slo in ("accept_latency", "accept_to_stored"))
    return {
        "accept_availability": "deliveries are answered with something else than 5xx",
        "accept_latency": f"accepted deliveries are answered within {answer}",
        "accept_to_stored": f"accepted deliveries are orders within {store}",
        "job_success": "jobs end well",
    }


def _burn(window: str, *matchers: str) -> str:
    """How many times faster than even the budget burns, over `window`."""
    ratio = pick_job(f"job_slo:palmonas_slo_errors:ratio_rate{window}", *matchers)
    return f"{ratio} / on (slo) group_left () {BUDGET}"


def _answer() -> list[Any]:
    panels: list[Any] = [
        number(
            f"Left: {slo.removeprefix('accept_')}",
            f"Share of 30 days' error budget that is left; the promise: {promise}. Below 0 % it is overdrawn.",
            "min(" + pick_job(LEFT, f'slo="{slo}"') + ")",
            "percentunit",
            limits=[(-1000, RED), (0, YELLOW), (0.25, GREEN)],
            alerts=BURN,
            may_be_empty=NO_HOUR,
        )
        for slo, promise in _promises().items()
    ]
    return [
        *panels,
        number(
            "Fastest burn of an hour",
            "The objective that burns fastest. 1 uses the budget up in exactly 30 days; 14.4 pages.",
            f"max({_burn('1h')})",
            "short",
            limits=[(1, YELLOW), (14.4, RED)],
            alerts=BURN,
            may_be_empty=NO_EVENT,
        ),
        number(
            "Burn alerts firing",
            "Windows in which a budget burns too fast now.",
            f"count({FIRING}) or {NOTHING_FIRES}",
            "none",
            limits=[(1, RED)],
            alerts=BURN,
            without=BLIND,
        ),
        graph(
            "Budget left",
            "Share of 30 days' budget that is left, of each objective. A cliff is a fault; a slope is a habit.",
            [Line(pick_job(LEFT), "{{slo}}")],
            "percentunit",
            width=12,
            alerts=BURN,
            may_be_empty=NO_HOUR,
        ),
        listing(
            "Worst offender",
            "How fast each budget burned in the last hour, in times of the even pace. Start with the first.",
            f"sort_desc({_burn('1h')})",
            ["slo", "job"],
            unit="short",
            value="times the even pace",
            alerts=BURN,
            may_be_empty=NO_EVENT,
        ),
    ]


def _windows() -> list[Any]:
    return [
        graph(
            f"Burn rate, {long} and {short}",
            f"{said} Both windows must be above the line: the long one is proof, the short one ends it in time.",
            [Line(_burn(long), f"{{{{slo}}}} {long}"), Line(_burn(short), f"{{{{slo}}}} {short}")],
            "short",
            limits=[(factor, color)],
            width=12,
            alerts=BURN,
            may_be_empty=NO_EVENT,
        )
        for long, short, factor, color, said in (
            ("1h", "5m", 14.4, RED, "Pages: 2 % of the budget in an hour."),
            ("6h", "30m", 6, RED, "Pages: 5 % of the budget in six hours."),
            ("1d", "2h", 3, YELLOW, "Warns: 10 % of the budget in a day."),
            ("3d", "6h", 1, YELLOW, "Warns: 10 % of the budget in three days."),
        )
    ]


def _events() -> list[Any]:
    return [
        graph(
            "Events",
            f"What counts, per second. With less than {limit('slo_events_minimum'):g} in a window, its alert stays "
            "silent.",
            [Line(pick_job("job_slo:palmonas_slo_events:rate5m"), "{{slo}}")],
            "cps",
            may_be_empty=NO_EVENT,
        ),
        graph(
            "Bad events",
            "What used budget, per second.",
            [Line(pick_job("job_slo:palmonas_slo_errors:rate5m"), "{{slo}}")],
            "cps",
            alerts=BURN,
            may_be_empty=NO_EVENT,
        ),
        graph(
            "Share of bad events, 5 minutes",
            "Bad events of all, as of now.",
            [Line(pick_job("job_slo:palmonas_slo_errors:ratio_rate5m"), "{{slo}}")],
            "percentunit",
            alerts=BURN,
            may_be_empty=NO_EVENT,
        ),
    ]


def build() -> dict[str, Any]:
    """The objectives, as Grafana's JSON."""
    board = start(
        "palmonas-slo",
        "What is left of each error budget, and how fast it burns.",
        jobs_from="palmonas_build_info",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Burn rates", _windows())
    return finish(add_row(board, "Events", _events()))
