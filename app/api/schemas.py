"""Shapes of the console API: what comes in is refused when it does not fit, what goes out is documented.

Money and quantities are decimal strings, times are RFC 3339 in UTC.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from app.config import ALL_CHANNELS
from app.model import ChannelStatus
from app.orders.transitions import STATUSES, Progress
from app.store.tokens import Role

Money = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, "f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["19.90"]}),
]
Time = Annotated[
    AwareDatetime,
    PlainSerializer(lambda value: value.astimezone(UTC).isoformat().replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _one_of(values: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in values:
            raise ValueError(f"must be one of: {', '.join(values)}")
        return value

    return AfterValidator(check)


def _list_values(values: tuple[str, ...]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(values)})


def _check_printable(value: str) -> str:
    # Not str.isprintable: names have the wide space of Japanese, joiners, and what a page's text is copied with.
    if any(unicodedata.category(one) == "Cc" for one in value):
        raise ValueError("must not contain control characters")
    return value


def _to_utc(value: datetime | None) -> datetime | None:
    """PostgreSQL takes fewer displacements than ISO 8601 has, and years 1 to 9999 end in UTC."""
    try:
        return value.astimezone(UTC) if value else None
    except OverflowError as error:
        raise ValueError("is out of range") from error


CHANNEL_STATUSES: tuple[str, ...] = get_args(ChannelStatus)

ChannelName = Annotated[str, _one_of(ALL_CHANNELS), _list_values(ALL_CHANNELS)]
OrderStatus = Annotated[str, _one_of(STATUSES), _list_values(STATUSES)]
ChannelStatusName = Annotated[str, _one_of(CHANNEL_STATUSES), _list_values(CHANNEL_STATUSES)]


class Query(BaseModel):
    """Base of query strings and bodies: an unknown name is an error, not a filter that does nothing."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(from_attributes=True)


Limit = Annotated[int, Field(ge=1, le=200, description="Rows of a page.")]
Cursor = Annotated[str, Field(max_length=200, description="`next` of the page before, as it was given.")]


class OrderFilterQuery(Query):
    channel: ChannelName | None = None
    status: OrderStatus | None = None
    channel_status: ChannelStatusName | None = None
    text: Annotated[
        str | None,
        Field(
            min_length=2,
            max_length=200,
            description="Beginning of the order's number, of the customer's e-mail address or name; or the"
            " whole id the channel gave the order.",
        ),
        AfterValidator(lambda value: value if value is None else _check_printable(value)),
    ] = None
    placed_from: Annotated[
        AwareDatetime | None, Field(description="Inclusive, with a time zone."), AfterValidator(_to_utc)
    ] = None
    placed_to: Annotated[
        AwareDatetime | None, Field(description="Exclusive, with a time zone."), AfterValidator(_to_utc)
    ] = None


class OrderQuery(OrderFilterQuery):
    limit: Limit = 50
    cursor: Cursor | None = None


class PayloadQuery(Query):
    payload: Annotated[bool, Field(description="Raw payloads too; for admins.")] = False


class QuarantineQuery(Query):
    channel: ChannelName | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class NoQuery(Query):
    """For routes that take no query string at all."""


class StatusChangeBody(Query):
    status: Progress


class OrderAtRevision(Query):
    id: Annotated[int, Field(ge=1, lt=2**63)]
    revision: Annotated[int, Field(ge=1, lt=2**31, description="As the order was read.")]


class StatusChangesBody(Query):
    status: Progress
    orders: Annotated[list[OrderAtRevision], Field(min_length=1, max_length=200)]


class AuditQuery(Query):
    actor: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9:._-]{1,100}$", description="As `user:1`.")] = None
    action: Annotated[str | None, Field(pattern=r"^[a-z0-9._]{1,100}$", description="As `order.status`.")] = None
    limit: Limit = 50
    cursor: Cursor | None = None


class LoginBody(Query):
    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class SessionUser(Answer):
    id: int
    email: str
    role: Role


class SessionAnswer(Answer):
    """`csrf` is what every change by this session sends as X-CSRF-Token."""

    user: SessionUser
    csrf: str
    idle_expires_at: Time
    expires_at: Time


class OrderSummary(Answer):
    id: int
    channel: str
    external_id: str
    number: str
    status: str
    progress: str
    channel_status: str
    placed_at: Time
    currency: str | None
    total: Money | None
    customer_name: str | None
    customer_email: str | None
    revision: int
    created_at: Time
    updated_at: Time


class OrderPage(Answer):
    orders: list[OrderSummary]
    next: str | None


class OrderItemAnswer(Answer):
    position: int
    external_id: str
    sku: str | None
    name: str
    quantity: Money
    unit_price: Money
    discount: Money | None
    tax: Money | None
    total: Money | None


class RefundAnswer(Answer):
    external_id: str
    amount: Money
    currency: str | None
    reason: str | None
    refunded_at: Time | None
    lines: list[dict[str, Any]]


class FulfillmentAnswer(Answer):
    external_id: str
    status: str
    carrier: str | None
    tracking_numbers: list[str]
    tracking_urls: list[str]
    version: Time
    lines: list[dict[str, Any]]


class OrderEventAnswer(Answer):
    id: int
    at: Time
    type: str
    actor: str
    from_value: str | None
    to_value: str | None
    request_id: str
    detail: str | None


class PushAnswer(Answer):
    """A message to the channel; the events tell each try."""

    id: int
    status: str | None
    state: str
    created_at: Time
    finished_at: Time | None
    attempts: int
    last_error: str | None


class DeliveryAnswer(Answer):
    id: int
    delivery_id: str
    topic: str
    received_at: Time
    finished_at: Time | None
    request_id: str
    job_id: str | None
    state: str
    result: str | None
    payload: str | None = None


class OrderAnswer(OrderSummary):
    channel_version: Time | None
    subtotal: Money | None
    discount_total: Money | None
    shipping_total: Money | None
    tax_total: Money | None
    prices_include_tax: bool | None
    customer_external_id: str | None
    customer_phone: str | None
    billing_address: dict[str, Any] | None
    shipping_address: dict[str, Any] | None
    discounts: list[dict[str, Any]]
    shipping_lines: list[dict[str, Any]]
    note: str | None
    next_statuses: list[str]
    items: list[OrderItemAnswer]
    refunds: list[RefundAnswer]
    fulfillments: list[FulfillmentAnswer]
    pushes: list[PushAnswer]
    events: list[OrderEventAnswer]
    deliveries: list[DeliveryAnswer]


class StatusAnswer(Answer):
    order_id: int
    from_status: str
    to_status: str
    revision: int


class StatusOutcome(Answer):
    """`revision` is the present one, when it is known; `detail` says why nothing was changed."""

    id: int
    outcome: Literal["changed", "stale", "refused", "missing", "failed"]
    revision: int | None = None
    detail: str | None = None


class StatusChangesAnswer(Answer):
    results: list[StatusOutcome]


class AuditEntryAnswer(Answer):
    """`actor_email` is the present address of a user who acted."""

    id: int
    at: Time
    actor: str
    actor_email: str | None
    action: str
    object: str
    outcome: str
    address: str | None
    request_id: str
    detail: dict[str, Any]


class AuditPage(Answer):
    entries: list[AuditEntryAnswer]
    next: str | None


class ChannelAnswer(Answer):
    name: str
    last_order_id: int | None
    last_order_placed_at: Time | None
    last_order_received_at: Time | None
    pending: int
    quarantined: int


class QuarantinedSummary(Answer):
    id: int
    channel: str
    delivery_id: str
    topic: str
    received_at: Time
    state: str
    attempts: int
    error: str | None
    request_id: str
    job_id: str | None


class QuarantinePage(Answer):
    deliveries: list[QuarantinedSummary]
    next: str | None


class QuarantinedAnswer(QuarantinedSummary):
    payload: str | None = None


class QuarantineAction(Answer):
    id: int
    state: str


class ProblemAnswer(Answer):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
