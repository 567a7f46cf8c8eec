"""Inbox and outbox: PostgreSQL's two queues, which are never added to Redis' ones."""

from __future__ import annotations

from typing import Any

from dashboards.panels import RED, YELLOW, graph, heat_map, quantiles
from dashboards.queries import Line, max_of, mean_of, sum_rate

NOTHING = "nothing has been delivered yet"


def show_inbox() -> list[Any]:
    """Panels of what waits to be stored, and of what waits to be told to a channel."""
    return [
        graph(
            "Waiting in inbox and outbox",
            "Accepted deliveries that are no orders yet, and messages to channels. Each is counted to 100,000.",
            [
                Line(max_of("palmonas_inbox_pending"), "inbox"),
                Line(max_of("palmonas_outbox_pending"), "outbox"),
            ],
            "short",
            alerts=["InboxOldestAge"],
        ),
        graph(
            "Into the inbox, out of it",
            "Deliveries accepted, stored and set aside per second. Lines that part: the inbox grows, or is worked off.",
            [
                Line(sum_rate("palmonas_accept_duration_seconds_count", "", 'outcome="accepted"'), "accepted"),
                Line(sum_rate("palmonas_deliveries_stored_total"), "stored"),
                Line(sum_rate("palmonas_deliveries_quarantined_total"), "quarantined"),
            ],
            "cps",
            leads_to="palmonas-orders",
            may_be_empty=NOTHING,
        ),
        heat_map(
            "From accepted to stored",
            "By PostgreSQL's clock, counted by duration.",
            "palmonas_accept_to_stored_seconds",
            may_be_empty=NOTHING,
        ),
        graph(
            "Oldest in the inbox",
            "Age of the oldest accepted delivery that is no order yet.",
            [Line(max_of("palmonas_inbox_oldest_age_seconds"), "inbox")],
            "s",
            limits=[("inbox_age_page", RED)],
            alerts=["InboxOldestAge"],
        ),
        graph(
            "Oldest in the outbox",
            "Age of the oldest message that its channel has not taken.",
            [Line(max_of("palmonas_outbox_oldest_age_seconds"), "outbox")],
            "s",
            limits=[("outbox_age", YELLOW)],
            alerts=["StatusPushBehind"],
        ),
        graph(
            "Set aside and given up",
            "Deliveries in quarantine, messages that were given up, each after its last try. Somebody must look.",
            [
                Line(max_of("palmonas_inbox_quarantined"), "quarantined"),
                Line(max_of("palmonas_outbox_failed"), "given up"),
            ],
            "short",
            alerts=["QuarantineGrew", "StatusPushGivenUp"],
        ),
        graph(
            "Tried again",
            "Deliveries whose try failed and will be repeated, by channel.",
            [Line(sum_rate("palmonas_deliveries_retried_total", "channel"), "{{channel}}")],
            "cps",
            may_be_empty=NOTHING,
        ),
        graph(
            "Rows in a batch",
            "Mean number of rows that a drain claims at once. It grows with the backlog, up to 500.",
            [Line(mean_of("palmonas_drain_batch_size", "instance"), "{{instance}}")],
            "short",
            may_be_empty=NOTHING,
        ),
        quantiles(
            "Time of a batch",
            "Claiming, parsing and storing one batch.",
            "palmonas_drain_batch_duration_seconds",
            may_be_empty=NOTHING,
        ),
    ]
