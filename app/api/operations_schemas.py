"""Shapes of what the console shows of the service itself: one snapshot, small graphs, silences, runbooks.

Seconds, counts and shares are numbers. What only Prometheus knows is null, or an empty list, while it does not answer.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from app.api.questions import Unit
from app.api.schemas import Answer, ChannelAnswer, Query, Time


class ServerState(Answer):
    reachable: bool
    detail: Annotated[str | None, Field(description="What is wrong, in a sentence.")]


class SilenceOfAlert(Answer):
    id: str
    reason: str
    by: str
    until: Time


class AlertAnswer(Answer):
    name: str
    state: Literal["firing", "pending"]
    severity: str
    area: str | None
    summary: str
    description: str
    runbook: Annotated[str | None, Field(description="Path of it here.")]
    dashboard: Annotated[str | None, Field(description="Path here, from half an hour before the alert until now.")]
    since: Time
    labels: dict[str, str]
    silenced_by: list[SilenceOfAlert]
    inhibited: Annotated[bool, Field(description="Another alert explains it.")]


class SloAnswer(Answer):
    name: str
    title: str
    objective: float
    seconds: Annotated[float | None, Field(description="Within which it is meant; null: it is not about time.")]
    window: str
    budget_left: Annotated[float | None, Field(description="Share that is left; 0 also when more was used.")]
    burn_rate_1h: Annotated[float | None, Field(description="Times the pace that uses the budget up in its window.")]


class InstanceAnswer(Answer):
    job: str
    instance: str
    up: bool
    since: Annotated[Time | None, Field(description="Its start; of one that is down, when it was last seen.")]
    version: str | None


class PoolAnswer(Answer):
    instance: str
    pool: str
    in_use: int
    idle: int
    size: int
    waiting: int


class QueueAnswer(Answer):
    name: str
    queued: int
    oldest_age_s: float
    failed: int
    in_per_s: float | None
    out_per_s: float | None
    drain_eta_s: Annotated[float | None, Field(description="Until it is empty at this pace if nothing comes in.")]
    target_age_s: Annotated[float | None, Field(description="Age of the oldest job at which an alert warns.")]
    workers: int
    heartbeat_age_s: float


class PostgresAnswer(Answer):
    up: bool
    connections: int | None
    max_connections: int | None
    longest_transaction_s: float | None
    replication_lag_bytes: Annotated[int | None, Field(description="WAL the slowest standby has not applied.")]


class RedisAnswer(Answer):
    up: bool
    memory_bytes: int | None = None
    max_memory_bytes: Annotated[int | None, Field(description="Null without a limit of its own.")] = None
    clients: int | None = None
    evicted_total: int | None = None


class CheckAnswer(Answer):
    model_config = ConfigDict(extra="allow")

    status: str
    seconds: float | None = None
    detail: str | None = None


class HealthAnswer(Answer):
    status: str
    checks: dict[str, CheckAnswer]


class Snapshot(Answer):
    """All of the service at one moment."""

    at: Time
    prometheus: ServerState
    alertmanager: ServerState
    alerts: Annotated[list[AlertAnswer], Field(description="Worst first.")]
    slos: list[SloAnswer]
    instances: list[InstanceAnswer]
    pools: list[PoolAnswer]
    queues: list[QueueAnswer]
    postgresql: PostgresAnswer | None
    redis: RedisAnswer | None
    health: HealthAnswer


class PollAnswer(Answer):
    at: Annotated[Time | None, Field(description="End of the last poll that worked.")]
    lag_s: Annotated[float, Field(description="How far behind now everything has been seen.")]
    error: str | None


class ChannelLive(ChannelAnswer):
    rate_per_minute: Annotated[float | None, Field(description="Deliveries of the last five minutes.")]
    last_order_at: Annotated[Time | None, Field(description="When the newest order was stored first.")]
    silence_s: float | None
    usual_gap_s: Annotated[float | None, Field(description="Between two deliveries at this hour; null when unknown.")]
    signature_failures_1h: int | None
    caught_by_reconciliation_24h: int | None
    poll: PollAnswer | None
    circuit: Literal["closed", "half_open", "open"] | None


class ChannelLiveList(Answer):
    prometheus: bool
    channels: list[ChannelLive]


Range = Literal["15m", "1h", "6h", "1d"]


class SeriesQuery(Query):
    range: Annotated[Range, Field(description="How far back.")] = "1h"


class LineAnswer(Answer):
    labels: dict[str, str]
    points: Annotated[list[tuple[int, float | None]], Field(description="Unix seconds and value; null is a gap.")]


class GraphAnswer(Answer):
    unit: Unit
    title: str
    dashboard: str
    lines: list[LineAnswer]


class SeriesAnswer(Answer):
    at: Time
    step_s: int
    series: dict[str, GraphAnswer]


LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$")]
NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
LabelValue = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_CONTROLS)]


class SilenceBody(Query):
    matchers: Annotated[
        dict[LabelName, LabelValue], Field(min_length=1, max_length=20, description="Labels, each exactly this value.")
    ]
    minutes: Annotated[int, Field(ge=1, le=1440, strict=True)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_CONTROLS)]


class SilenceAnswer(Answer):
    id: str


class RunbookAnswer(Answer):
    alert: str
    markdown: str
