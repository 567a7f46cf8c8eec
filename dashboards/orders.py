"""Orders and channels: what is accepted, what becomes an order, and what does not."""

from __future__ import annotations

from typing import Any

from dashboards.channel_calls import show_calls
from dashboards.dress import DAY_S, DAYS, Limits
from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, heat_map, number, quantiles, rate
from dashboards.queries import Line, max_of, mean_of, pick, pick_job, quantile_of, sum_rate
from rules.limits import limit

ACCEPT = "palmonas_accept_duration_seconds"
STORED = "palmonas_accept_to_stored_seconds"
NO_TRAFFIC = "nobody has sent anything yet"
NO_DRAIN = "no delivery has been stored yet"
INBOX_LINES: Limits = [(5, YELLOW), ("inbox_age_page", RED)]


def _answer() -> list[Any]:
    return [
        number(
            "Oldest not stored",
            "Age of the oldest accepted delivery that is not an order yet. The target is 5 s.",
            max_of("palmonas_inbox_oldest_age_seconds"),
            "s",
            limits=INBOX_LINES,
            alerts=["InboxOldestAge"],
        ),
        number(
            "Not stored yet",
            "Accepted deliveries that are not orders yet, counted to 100,000.",
            max_of("palmonas_inbox_pending"),
            "none",
        ),
        number(
            "Accepted",
            "Deliveries that were stored in the inbox and answered 2xx for the first time.",
            sum_rate(f"{ACCEPT}_count", "", 'outcome="accepted"'),
            "cps",
            may_be_empty=NO_TRAFFIC,
        ),
        number(
            "Stored per second",
            "Deliveries that reached their end state in the store.",
            sum_rate("palmonas_deliveries_stored_total"),
            "cps",
            may_be_empty=NO_DRAIN,
        ),
        number(
            "Accepted to stored, p99",
            "99 of 100 deliveries were orders within this time. The target is 5 s.",
            quantile_of(0.99, STORED),
            "s",
            limits=INBOX_LINES,
            may_be_empty=NO_DRAIN,
        ),
        number(
            "Quarantined",
            "Deliveries set aside after their last try; `palmonas quarantine list` shows them.",
            max_of("palmonas_inbox_quarantined"),
            "none",
            limits=[(1, YELLOW)],
        ),
        graph(
            "Accepted by channel",
            "New deliveries of each channel. A channel that falls silent while others go on is the channel's trouble.",
            [Line(sum_rate(f"{ACCEPT}_count", "channel", 'outcome="accepted"'), "{{channel}}")],
            "cps",
            stacked=True,
            alerts=["ChannelSilent"],
            may_be_empty=NO_TRAFFIC,
        ),
        graph(
            "Stored by channel",
            "Deliveries of each channel that reached their end state.",
            [Line(sum_rate("palmonas_deliveries_stored_total", "channel"), "{{channel}}")],
            "cps",
            stacked=True,
            may_be_empty=NO_DRAIN,
        ),
        graph(
            "Oldest in inbox and outbox",
            "Age of what waits longest to be stored (inbox) and to be told to a channel (outbox).",
            [
                Line(max_of("palmonas_inbox_oldest_age_seconds"), "inbox"),
                Line(max_of("palmonas_outbox_oldest_age_seconds"), "outbox"),
            ],
            "s",
            limits=[("inbox_age_page", RED), ("outbox_age", RED)],
            alerts=["InboxOldestAge", "StatusPushBehind"],
        ),
    ]


def _unaccounted_page() -> str:
    """What AcceptedNotStored compares with: a number, or a share of what was accepted, whichever is more."""
    accepted = pick(f"{ACCEPT}_count", 'outcome="accepted"')
    share, least = limit("unaccounted_share"), limit("unaccounted")
    return f"clamp_min({share:g} * sum by (job) (increase({accepted}[30m])), {least:g})"


def _storing() -> list[Any]:
    return [
        heat_map(
            "From accepted to stored",
            "Time until an accepted delivery is an order, counted.",
            STORED,
            may_be_empty=NO_DRAIN,
        ),
        graph(
            "From accepted to stored by channel, 99th percentile",
            "One slow channel is its payloads; all slow is a backlog or the store.",
            [Line(quantile_of(0.99, STORED, "channel"), "{{channel}}")],
            "s",
            may_be_empty=NO_DRAIN,
        ),
        rate(
            "Stored, by result",
            "created, updated, stale (an older version came late), attached (refund or fulfilment), ignored.",
            "palmonas_deliveries_stored_total",
            "result",
            stacked=True,
            may_be_empty=NO_DRAIN,
        ),
        graph(
            "Retried and quarantined",
            "Deliveries whose try failed, and those that were set aside after the last one.",
            [
                Line(sum_rate("palmonas_deliveries_retried_total", "channel"), "{{channel}} retried"),
                Line(sum_rate("palmonas_deliveries_quarantined_total", "channel"), "{{channel}} quarantined"),
            ],
            "cps",
            alerts=["QuarantineGrew"],
            may_be_empty=NO_DRAIN,
            many=True,
        ),
        graph(
            "Rows in a drain's batch",
            "Mean number of inbox rows that one batch claims. The most is 500: at that size the drain is behind.",
            [Line(mean_of("palmonas_drain_batch_size", "instance"), "{{instance}}")],
            "short",
            may_be_empty=NO_DRAIN,
        ),
        quantiles(
            "Time of a drain's batch",
            "Time to parse and store one batch. Its growth at the same size is PostgreSQL's.",
            "palmonas_drain_batch_duration_seconds",
            may_be_empty=NO_DRAIN,
        ),
        graph(
            "Orders that changed status",
            "Changes of the channel's status and of the operators', by new value.",
            [Line(sum_rate("palmonas_order_status_transitions_total", "field, to"), "{{to}} ({{field}})")],
            "cps",
            may_be_empty="no order has changed yet",
            many=True,
        ),
        graph(
            "Backlog of inbox and outbox",
            "Deliveries not stored and messages not delivered. Each is counted to 100,000.",
            [
                Line(max_of("palmonas_inbox_pending"), "inbox"),
                Line(max_of("palmonas_outbox_pending"), "outbox"),
            ],
            "short",
        ),
        graph(
            "Set aside",
            "Deliveries in quarantine. A step up is a payload that no longer parses: look at it, mend, replay.",
            [Line(max_of("palmonas_inbox_quarantined"), "quarantined")],
            "short",
        ),
        graph(
            "Refused, by reason",
            "Deliveries that were refused. bad_signature in bursts: an attack, or a secret changed on one side.",
            [Line(sum_rate("palmonas_deliveries_rejected_total", "channel, reason"), "{{channel}} {{reason}}")],
            "cps",
            alerts=["DeliverySignaturesFailing"],
            many=True,
        ),
        graph(
            "Accepted and nowhere",
            "Deliveries of half an hour that were answered 2xx and are neither stored, nor in quarantine, nor waiting. "
            "Around 0; below it while polls and replays add to what is stored. Above the line, which rises with what "
            "is accepted, somebody is called.",
            [
                Line(pick_job("job:palmonas_deliveries_unaccounted:increase30m"), "deliveries"),
                Line(_unaccounted_page(), "pages above", RED),
            ],
            "short",
            alerts=["AcceptedNotStored"],
            may_be_empty=NO_TRAFFIC,
        ),
    ]


def _privacy() -> list[Any]:
    return [
        graph(
            "Privacy requests that are not done",
            "Requests about personal data by kind. A data_request waits for an operator; the others are worked on.",
            [Line(max_of("palmonas_privacy_requests_open", "kind"), "{{kind}}")],
            "short",
        ),
        graph(
            "Age of the oldest privacy request",
            "Each is due 30 days after its receipt; the line is a week before.",
            [Line(f"{max_of('palmonas_privacy_request_oldest_age_seconds', 'kind')} / {DAY_S}", "{{kind}}")],
            DAYS,
            limits=[("privacy_age_days", YELLOW)],
            alerts=["PrivacyRequestOverdue"],
        ),
        graph(
            "Privacy requests by outcome",
            "received, held (the same body came before: an operator must confirm), completed.",
            [Line(sum_rate("palmonas_privacy_requests_total", "kind, outcome"), "{{kind}} {{outcome}}")],
            "cps",
            many=True,
        ),
    ]


def build() -> dict[str, Any]:
    """Orders and channels, as Grafana's JSON."""
    # API, workers and exporter each tell a part of this story, so that the choice is of all our processes.
    board = start(
        "palmonas-orders",
        "What is accepted, what becomes an order, and what does not.",
        jobs_from="palmonas_build_info",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Storing orders", _storing())
    board = add_row(board, "Polls and pushes", show_calls())
    return finish(add_row(board, "Privacy", _privacy()))
