"""Channels: which ones exist here, and how each is doing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response

from app.api.answers import answer_json
from app.api.operations_schemas import ChannelLive, ChannelLiveList, PollAnswer
from app.api.policy import add_route
from app.api.questions import CHANNELS as QUESTIONS
from app.api.reading import read_store
from app.api.sampling import Sampler
from app.api.schemas import NoQuery
from app.api.services import Services, services
from app.api.snapshot import Measured, by_label, open_prometheus
from app.channels import CHANNELS
from app.errors import AnswerableError
from app.store.order_reads import Row, summarize_channels
from app.store.polls import PollState, read_polls

PERIOD_S = 2.0
CIRCUITS = ("closed", "half_open", "open")  # palmonas_channel_circuit_state, by value


class ChannelViews:
    def __init__(self, made: Services) -> None:
        self._prometheus = open_prometheus(made.config.prometheus_url)
        self._configured = sorted({*made.config.channel_secrets, *made.pushed})
        self._polled = sorted(made.pushed)  # those with API settings
        self._measured: Sampler[Measured | None] = Sampler(self._measure, PERIOD_S)

    def get_channels(self, query: NoQuery) -> Response:
        rows = read_store(lambda pool: summarize_channels(pool, self._configured))
        polls = {one.channel: one for one in read_polls(services().pool, self._polled)}
        measured = self._measured.read()
        known = {name: by_label(measured or {}, name, "channel") for name in QUESTIONS}
        channels = [_describe(row, polls.get(row["name"]), known) for row in rows]
        return answer_json(ChannelLiveList(prometheus=measured is not None, channels=channels))

    def _measure(self) -> Measured | None:
        """None without Prometheus: the store's part of the answer is shown all the same."""
        try:
            return self._prometheus.read_now(QUESTIONS) if self._prometheus else None
        except AnswerableError:
            return None


def register(app: Flask, made: Services) -> None:
    add_route(
        app,
        "/channels",
        ChannelViews(made).get_channels,
        policy="viewer",
        tag="channels",
        summary="List the configured channels: pace, silence, polls, and what waits (counted to 10,000)",
        query=NoQuery,
        answers={200: ChannelLiveList},
        passive=True,
    )


def _describe(row: Row, poll: PollState | None, known: dict[str, dict[str, float]]) -> ChannelLive:
    name, last = row["name"], row["last_order_received_at"]
    # A channel without webhooks brings its orders by poll alone.
    pace = known["accepted" if CHANNELS[name].webhook else "stored"].get(name)
    circuit = known["circuit"].get(name)
    return ChannelLive(
        **row,
        rate_per_minute=pace,
        last_order_at=last,
        silence_s=max(0.0, (datetime.now(UTC) - last).total_seconds()) if last else None,
        usual_gap_s=known["usual_gap"].get(name),
        signature_failures_1h=_count(known["bad_signatures"].get(name)),
        caught_by_reconciliation_24h=_count(known["caught"].get(name)),
        poll=PollAnswer(at=poll.at, lag_s=poll.lag_s, error=poll.error) if poll else None,
        circuit=_name_circuit(circuit),
    )


def _name_circuit(state: float | None) -> Any:
    return CIRCUITS[int(state)] if state in (0, 1, 2) else None


def _count(value: float | None) -> int | None:
    """A whole number again: Prometheus extrapolates what it counts."""
    return None if value is None else round(value)
