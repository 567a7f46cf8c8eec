"""What the service itself is doing: a snapshot, small graphs of the time before it, the channels, runbooks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from flask import Flask, Response

from app.api import events, silences
from app.api.answers import answer_json
from app.api.operations_schemas import (
    GraphAnswer,
    LineAnswer,
    RunbookAnswer,
    SeriesAnswer,
    SeriesQuery,
    Snapshot,
)
from app.api.policy import add_route
from app.api.questions import GRAPHS
from app.api.sampling import Sampler
from app.api.schemas import NoQuery
from app.api.services import Services
from app.api.snapshot import SnapshotMaker, open_prometheus
from app.errors import BadGateway, NotFound, PrometheusUnavailable
from app.outbound.prometheus import Series
from rules.files import ROOT

PERIOD_S = 2.0  # how often the service is looked at, however many look
SERIES_PERIOD_S = 10.0  # the recorded series have a point in 15 s
STEPS_S = {"15m": (900, 15), "1h": (3600, 30), "6h": (21600, 180), "1d": (86400, 720)}  # range to seconds and step
RUNBOOKS = ROOT / "docs/runbooks"

Sample = tuple[int, bytes]


class Operations:
    """The views, and the samplers that all callers share."""

    def __init__(self, made: Services) -> None:
        self._runbooks = find_runbooks()
        maker = SnapshotMaker(made, frozenset(self._runbooks))
        self.snapshots: Sampler[Sample] = Sampler(lambda: _write(maker.make()), PERIOD_S)
        self._prometheus = open_prometheus(made.config.prometheus_url)
        self._series = {name: Sampler(partial(self._make_series, name), SERIES_PERIOD_S) for name in STEPS_S}

    def get_operations(self, query: NoQuery) -> Response:
        _, body = self.snapshots.read()
        return Response(body, content_type="application/json")

    def get_operations_series(self, query: SeriesQuery) -> Response:
        return Response(self._series[query.range].read(), content_type="application/json")

    def read_runbook(self, alert: str) -> Response:
        path = self._runbooks.get(alert)
        if path is None:
            raise NotFound("there is no runbook of this name")
        return answer_json(RunbookAnswer(alert=alert, markdown=path.read_text(encoding="utf-8")))

    def _make_series(self, name: str) -> bytes:
        """Raises what Prometheus.ask raises; PrometheusUnavailable without one."""
        if self._prometheus is None:
            raise PrometheusUnavailable("PALMONAS_PROMETHEUS_URL is not set")
        length_s, step_s = STEPS_S[name]
        end = int(time.time()) // step_s * step_s  # on a grid: a point does not move as time goes on
        start = end - length_s
        questions = {key: graph.expr for key, graph in GRAPHS.items()}
        found = self._prometheus.read_range(questions, start=start, end=end, step_s=step_s)
        grid = range(start, end + 1, step_s)
        series = {
            key: GraphAnswer(
                unit=graph.unit,
                title=graph.title,
                dashboard=f"/dashboards/{graph.dashboard}?from=now-{name}&to=now",
                lines=[_draw(one, grid) for one in found[key]],
            )
            for key, graph in GRAPHS.items()
        }
        answer = SeriesAnswer(at=datetime.fromtimestamp(end, UTC), step_s=step_s, series=series)
        return answer.model_dump_json().encode()


def register(app: Flask, made: Services) -> None:
    operations = Operations(made)
    add_route(
        app,
        "/operations",
        operations.get_operations,
        policy="viewer",
        tag="operations",
        summary="Look at the whole service; looked at every two seconds at most, whoever asks",
        query=NoQuery,
        answers={200: Snapshot},
        passive=True,
    )
    add_route(
        app,
        "/operations/series",
        operations.get_operations_series,
        policy="viewer",
        tag="operations",
        summary="Read the small graphs of the time before now",
        query=SeriesQuery,
        answers={200: SeriesAnswer},
        passive=True,
        errors=(PrometheusUnavailable, BadGateway),
    )
    add_route(
        app,
        "/runbooks/<alert>",
        operations.read_runbook,
        policy="viewer",
        tag="operations",
        summary="Read what to do when an alert fires",
        answers={200: RunbookAnswer},
        errors=(NotFound,),
    )
    events.register(app, made, operations.snapshots)
    silences.register(app, made)


def find_runbooks() -> dict[str, Path]:
    """The runbooks by the name of their alert."""
    return {path.stem: path for path in sorted(RUNBOOKS.glob("*.md")) if path.stem != "README"}


def _write(snapshot: Snapshot) -> Sample:
    return int(snapshot.at.timestamp() * 1000), snapshot.model_dump_json().encode()


def _draw(series: Series, grid: range) -> LineAnswer:
    """A line with every point of the grid: where nothing was measured is a gap, not a straight line across it."""
    values = {round(at): value for at, value in series.points}
    return LineAnswer(labels=series.labels, points=[(at, values.get(at)) for at in grid])
