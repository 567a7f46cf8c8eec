"""Orders and channels: what is accepted, what becomes an order, and what does not."""

from __future__ import annotations

from typing import Any

from dashboards.dress import Limits
from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, heat_map, number, quantiles, rate
from dashboards.queries import ALL_PROCESSES, Line, max_of, mean_of, pick, pick_job, quantile_of, sum_rate
from rules.limits import limit

ACCEPT = "palmonas_accept_duration_seconds"
CALL_P99 = "job_channel_operation:palmonas_channel_call_duration_seconds:p99_rate5m"
STORED = "palmonas_accept_to_stored_seconds"
NO_TRAFFIC = "nobody has sent anything yet"
NO_API = "no channel has an API address"
NO_DRAIN = "no delivery has been stored yet"
INBOX_LINES: Limits = [(5, YELLOW), ("inbox_age_page", RED)]
FAILED_CALLS = sum_rate("palmonas_channel_calls_total", "channel, outcome", 'outcome!="ok"')


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
            [Line(sum_rate("palmonas_order_status_transitions_total", "field, to"), "{{field}}: {{to}}")],
            "cps",
            may_be_empty="no order has changed yet",
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


def _channels() -> list[Any]:
    return [
        graph(
            "Caught by polls",
            "Changes of orders that no webhook had brought. Amazon has no webhooks: all of its orders come this way.",
            [Line(sum_rate("palmonas_reconciliation_caught_total", "channel, result"), "{{channel}} {{result}}")],
            "cps",
            alerts=["ChannelWebhooksMissing"],
            may_be_empty=NO_API,
        ),
        graph(
            "Behind the channel",
            "Time since the last poll that worked, and how far behind now the polling is.",
            [
                Line(max_of("palmonas_poll_last_success_age_seconds", "channel"), "{{channel}} last success"),
                Line(max_of("palmonas_poll_cursor_age_seconds", "channel"), "{{channel}} watermark"),
            ],
            "s",
            alerts=["ChannelPollBehind"],
            may_be_empty=NO_API,
        ),
        graph(
            "Polls by outcome",
            "failed: the channel did not answer as it should; lease_lost: another poller took over.",
            [Line(sum_rate("palmonas_polls_total", "channel, outcome"), "{{channel}} {{outcome}}")],
            "cps",
            may_be_empty=NO_API,
        ),
        graph(
            "Calls that failed, by outcome",
            "Why calls to a channel's API failed. circuit_open: it was not called at all.",
            [
                Line(
                    f"{FAILED_CALLS} > 0",
                    "{{channel}} {{outcome}}",
                )
            ],
            "cps",
            may_be_empty="no call has failed yet",
        ),
        graph(
            "Circuit breakers",
            "0: calls go out; 1: one is tried; 2: none goes out, because the last ones failed.",
            [Line(max_of("palmonas_channel_circuit_state", "channel"), "{{channel}}")],
            "short",
            alerts=["ChannelCircuitOpen"],
            may_be_empty=NO_API,
        ),
        graph(
            "Time of a call, 99th percentile",
            f"Whole calls, from the name to the last byte of the answer, for who waits longest. {ALL_PROCESSES}",
            [Line(f"max by (channel, operation) ({pick_job(CALL_P99)})", "{{channel}} {{operation}}")],
            "s",
            may_be_empty=NO_API,
        ),
        graph(
            "Pushes by outcome",
            "Tries to tell a channel of an operator's change. failed: given up; `palmonas outbox list` shows them.",
            [Line(sum_rate("palmonas_pushes_total", "channel, outcome"), "{{channel}} {{outcome}}")],
            "cps",
            alerts=["StatusPushGivenUp"],
            may_be_empty="no operator has changed an order of such a channel yet",
        ),
        graph(
            "Messages given up",
            "Messages that were not delivered after their last try, counted to 100,000.",
            [Line(max_of("palmonas_outbox_failed"), "given up")],
            "short",
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
            [Line(max_of("palmonas_privacy_request_oldest_age_seconds", "kind"), "{{kind}}")],
            "s",
            limits=[(limit("privacy_age_days") * 86400, YELLOW)],
            alerts=["PrivacyRequestOverdue"],
        ),
        graph(
            "Privacy requests by outcome",
            "received, held (the same body came before: an operator must confirm), completed.",
            [Line(sum_rate("palmonas_privacy_requests_total", "kind, outcome"), "{{kind}} {{outcome}}")],
            "cps",
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
    board = add_row(board, "Polls and pushes", _channels())
    return finish(add_row(board, "Privacy", _privacy()))
