"""What we ask of the channels and tell them: polls, calls, pushes."""

from __future__ import annotations

from typing import Any

from dashboards.dress import MINUTE_S, MINUTES
from dashboards.panels import graph
from dashboards.queries import ALL_PROCESSES, Line, max_of, pick_job, sum_rate

CALL_P99 = "job_channel_operation:palmonas_channel_call_duration_seconds:p99_rate5m"
SUCCESS_AGE, CURSOR_AGE = "palmonas_poll_last_success_age_seconds", "palmonas_poll_cursor_age_seconds"
NO_API = "no channel has an API address"
FAILED_CALLS = sum_rate("palmonas_channel_calls_total", "channel, outcome", 'outcome!="ok"')


def show_calls() -> list[Any]:
    """Panels of the dashboard of orders and channels."""
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
                Line(f"{max_of(SUCCESS_AGE, 'channel')} / {MINUTE_S}", "{{channel}} last success"),
                Line(f"{max_of(CURSOR_AGE, 'channel')} / {MINUTE_S}", "{{channel}} watermark"),
            ],
            MINUTES,
            alerts=["ChannelPollBehind"],
            may_be_empty=NO_API,
        ),
        graph(
            "Polls by outcome",
            "failed: the channel did not answer as it should; lease_lost: another poller took over.",
            [Line(sum_rate("palmonas_polls_total", "channel, outcome"), "{{channel}} {{outcome}}")],
            "cps",
            may_be_empty=NO_API,
            many=True,
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
            many=True,
        ),
        graph(
            "Messages given up",
            "Messages that were not delivered after their last try, counted to 100,000.",
            [Line(max_of("palmonas_outbox_failed"), "given up")],
            "short",
        ),
    ]
