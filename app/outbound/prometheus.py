"""Questions to Prometheus: one deadline for each, bounded answers, nothing of the caller's passed on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from app.errors import BadGateway, Malformed, PrometheusUnavailable
from app.outbound.own_server import OwnServer

TIMEOUT_S = 10.0
MAX_BYTES = 8 << 20  # a hundred lines of two thousand points are half of it
AT_ONCE = 8  # Prometheus works on 20 at once (--query.max-concurrency), and its rules need some
REFUSED = (400, 422)  # the query does not parse, or cannot be worked out
NAME = "question"  # the label by which `unite` tells its queries apart
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Sample(NamedTuple):
    """One series at one moment. A value that is no number does not become a sample."""

    labels: dict[str, str]
    value: float


class Series(NamedTuple):
    """One series over time: (unix seconds, value), without what is no number."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class Prometheus(OwnServer):
    """The Prometheus at `base_url`."""

    name = "Prometheus"
    unavailable = PrometheusUnavailable

    def __init__(
        self, base_url: str, *, timeout_s: float = TIMEOUT_S, max_bytes: int = MAX_BYTES, at_once: int = AT_ONCE
    ) -> None:
        super().__init__(base_url, timeout_s=timeout_s, max_bytes=max_bytes, at_once=at_once)

    def ask(self, path: str, parameters: Sequence[tuple[str, str]], *, method: str = "POST") -> bytes:
        """The JSON that `path` (under /api/v1/) answers.

        Raises Malformed for what Prometheus refuses, PrometheusUnavailable, Overloaded, BadGateway.
        """
        encoded = urlencode(parameters)
        if method == "GET":
            reply = self.exchange("GET", f"/api/v1/{path}?{encoded}")
        else:
            reply = self.exchange("POST", f"/api/v1/{path}", body=encoded.encode(), headers=FORM)
        if reply.status in REFUSED:
            raise Malformed(f"Prometheus refuses this: {_read_reason(reply.body)}")
        if reply.status == 503:
            raise PrometheusUnavailable(f"Prometheus cannot answer now: {_read_reason(reply.body)}")
        if reply.status != 200 or reply.content_type != "application/json":
            raise BadGateway(f"what was to be Prometheus answered with status {reply.status} and no result")
        return reply.body

    def read_alerts(self) -> list[dict[str, Any]]:
        """Alerts that are pending or firing, as Prometheus tells them. Raises what `ask` raises."""
        found: list[dict[str, Any]] = _read_data(self.ask("alerts", (), method="GET"), "alerts")
        return found

    def read_now(self, questions: Mapping[str, str]) -> dict[str, list[Sample]]:
        """The vector that each query is now, all asked in one. Raises what `ask` raises."""
        result = _read_data(self.ask("query", [("query", unite(questions))]), "result")
        found: dict[str, list[Sample]] = {name: [] for name in questions}
        for one in result:
            name, labels = _split(one["metric"])
            value = float(one["value"][1])
            if math.isfinite(value):
                found[name].append(Sample(labels, value))
        return found

    def read_range(self, questions: Mapping[str, str], *, start: int, end: int, step_s: int) -> dict[str, list[Series]]:
        """The lines of each query from `start` to `end`, unix seconds, both inclusive. Raises what `ask` raises."""
        times = [("start", str(start)), ("end", str(end)), ("step", str(step_s))]
        result = _read_data(self.ask("query_range", [("query", unite(questions)), *times]), "result")
        found: dict[str, list[Series]] = {name: [] for name in questions}
        for one in result:
            name, labels = _split(one["metric"])
            points = [(float(at), float(text)) for at, text in one["values"]]
            found[name].append(Series(labels, [point for point in points if math.isfinite(point[1])]))
        return found


def unite(questions: Mapping[str, str]) -> str:
    """One query for several: a connection, a place in Prometheus' queue and a moment for all of them."""
    return " or ".join(f'label_replace({query}, "{NAME}", "{name}", "", "")' for name, query in questions.items())


def _split(labels: dict[str, str]) -> tuple[str, dict[str, str]]:
    return labels[NAME], {name: value for name, value in labels.items() if name not in (NAME, "__name__")}


def _read_data(body: bytes, member: str) -> Any:
    """Raises BadGateway."""
    try:
        return orjson.loads(body)["data"][member]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadGateway("what was to be Prometheus answered something else") from error


def _read_reason(body: bytes) -> str:
    """The sentence of an error of Prometheus' API."""
    try:
        return str(orjson.loads(body)["error"])[:500]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "without a reason"
