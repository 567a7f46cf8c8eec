"""Where each channel's polling stands, and who polls it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.errors import PalmonasError
from app.model import PolledOrder
from app.store.arrays import plain_array, text_array
from app.store.pool import Cursor, Pool

# '!' sorts before every id a channel gives: at equal clocks a webhook's version stands, and nothing changes.
POLL_PREFIX = "!poll:"


class LeaseLost(PalmonasError):
    """Another poller has taken over; what this one has committed stays."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list was broken off: the cursor of its next page, how far back it looks, when its first page was read,
    and the newest version on the pages so far.
    """

    cursor: str
    since: datetime
    started_at: datetime
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to poll one channel for a while, and where it stands."""

    channel: str
    holder: str
    synced_until: datetime
    now: datetime  # the database's clock, so that no poller's clock matters
    failures: int  # polls that failed in a row
    place: Place | None = None  # in the middle of a list, else None


_ENSURE = """
INSERT INTO poll_state (channel, synced_until)
SELECT channel, now() - %s * interval '1 second' FROM unnest(%s::text[]) AS channel
ON CONFLICT DO NOTHING
"""


def list_due(pool: Pool, channels: Sequence[str], lookback_s: float) -> list[tuple[str, datetime, float]]:
    """Channels that nobody polls and whose time has come, with that time and the seconds since then.

    For a poller that died, the time is the end of its lease. A new channel looks back `lookback_s`.
    """
    with pool.transaction("sweep_polls") as cursor:
        cursor.execute(_ENSURE, (lookback_s, text_array(channels)))
        cursor.execute(
            "SELECT channel, due_at, extract(epoch FROM now() - due_at)::float8 FROM ("
            " SELECT channel, greatest(next_poll_at, lease_until) AS due_at FROM poll_state"
            " WHERE channel = ANY(%s::text[])) AS standing WHERE due_at <= now() ORDER BY channel",
            (text_array(channels),),
        )
        return [(str(channel), due_at, float(late_s)) for channel, due_at, late_s in cursor.fetchall()]


def take_lease(pool: Pool, channel: str, holder: str, seconds: float) -> Lease | None:
    """The lease of `channel`, or None while another poller holds it, and when no poll is due."""
    with pool.transaction("take_lease") as cursor:
        cursor.execute(
            "UPDATE poll_state SET lease_holder = %s, lease_until = now() + %s * interval '1 second'"
            " WHERE channel = %s AND next_poll_at <= now() AND (lease_until IS NULL OR lease_until < now())"
            " RETURNING synced_until, now(), failures, list_cursor, list_since, list_started_at, list_newest",
            (holder, seconds, channel),
        )
        row = cursor.fetchone()
        if row is None:
            return None
        synced_until, now, failures, *place = row
        return Lease(channel, holder, synced_until, now, failures, Place(*place) if place[0] is not None else None)


def keep_lease(pool: Pool, lease: Lease, seconds: float) -> bool:
    """Hold the lease for `seconds` from now; False when another poller has taken over."""
    with pool.autocommit("keep_lease") as cursor:
        cursor.execute(
            "UPDATE poll_state SET lease_until = now() + %s * interval '1 second'"
            " WHERE channel = %s AND lease_holder = %s",
            (seconds, lease.channel, lease.holder),
        )
        return bool(cursor.rowcount == 1)


_KEEP = """
UPDATE poll_state SET lease_until = now() + %s * interval '1 second', synced_until = greatest(synced_until, %s),
    list_cursor = %s, list_since = %s, list_started_at = %s, list_newest = %s
WHERE channel = %s AND lease_holder = %s
"""
_INSERT = """
INSERT INTO inbox (channel, delivery_id, topic, request_id, payload, origin)
SELECT %s, polled.delivery_id, polled.topic, %s, polled.payload, 'poll'
FROM unnest(%s::text[], %s::timestamptz[], %s::smallint[], %s::text[], %s::text[], %s::text[])
     AS polled (external_id, version, rank, delivery_id, topic, payload)
WHERE NOT EXISTS (
    SELECT 1 FROM orders
    WHERE orders.channel = %s AND orders.external_id = polled.external_id
      AND (orders.channel_version, orders.channel_rank) >= (polled.version, polled.rank)
)
ON CONFLICT ON CONSTRAINT inbox_delivery DO NOTHING
"""


def store_page(
    pool: Pool,
    lease: Lease,
    orders: Sequence[PolledOrder],
    *,
    ranks: Sequence[int] | None = None,
    synced_until: datetime | None,
    place: Place | None,
    lease_s: float,
    request_id: str,
) -> int:
    """Put what is news into the inbox, move the watermark, and keep the place in the list (None: it has ended, or is
    begun anew another time), in one transaction; return how many were news.

    `ranks` say how far in its life each order is: what is news in a second of which the store knows something already.
    Raises LeaseLost when another poller has taken over: then nothing is written.
    """
    with pool.transaction("store_page") as cursor:
        kept = (place.cursor, place.since, place.started_at, place.newest) if place else (None,) * 4
        cursor.execute(_KEEP, (lease_s, synced_until or lease.synced_until, *kept, lease.channel, lease.holder))
        if cursor.rowcount != 1:
            raise LeaseLost(f"another poller works on {lease.channel}")
        if not orders:
            return 0
        cursor.execute(
            _INSERT,
            (
                lease.channel,
                request_id,
                text_array(one.external_id for one in orders),
                plain_array(one.version for one in orders),
                plain_array(ranks or [0] * len(orders)),
                text_array(_make_delivery_id(one) for one in orders),
                text_array(one.topic for one in orders),
                text_array(one.payload for one in orders),
                lease.channel,
            ),
        )
        return int(cursor.rowcount)


def _make_delivery_id(order: PolledOrder) -> str:
    return f"{POLL_PREFIX}{order.external_id}:{order.version.isoformat() if order.version else ''}"


def forget_place(pool: Pool, lease: Lease) -> None:
    """Begin the list anew at the next poll: the channel does not know its cursor any more."""
    with pool.autocommit("forget_place") as cursor:
        cursor.execute(
            "UPDATE poll_state SET list_cursor = NULL, list_since = NULL, list_started_at = NULL, list_newest = NULL"
            " WHERE channel = %s AND lease_holder = %s",
            (lease.channel, lease.holder),
        )


def finish_poll(pool: Pool, lease: Lease, *, next_in_s: float, error: str | None) -> None:
    """Give the lease back and say when the next poll is due; `error` names what went wrong, without data."""
    with pool.transaction("finish_poll") as cursor:
        cursor.execute(
            "UPDATE poll_state SET lease_holder = NULL, lease_until = NULL,"
            " next_poll_at = now() + %s * interval '1 second', last_error = %s,"
            " failures = CASE WHEN %s::text IS NULL THEN 0 ELSE failures + 1 END,"
            " last_success_at = CASE WHEN %s::text IS NULL THEN now() ELSE last_success_at END"
            " WHERE channel = %s AND lease_holder = %s",
            (next_in_s, error, error, error, lease.channel, lease.holder),
        )


@dataclass(frozen=True, slots=True)
class PollAge:
    """Seconds since the watermark of a channel, and since its last poll that worked (before the first: its start)."""

    channel: str
    cursor_age_s: float
    success_age_s: float
    failures: int


def read_ages(cursor: Cursor, channels: Sequence[str]) -> list[PollAge]:
    """Of `channels` alone: one that is polled no more stays in the table, and would grow old for ever."""
    cursor.execute(
        "SELECT channel, extract(epoch FROM now() - synced_until)::float8,"
        " extract(epoch FROM now() - coalesce(last_success_at, synced_until))::float8, failures"
        " FROM poll_state WHERE channel = ANY(%s::text[]) ORDER BY channel",
        (text_array(channels),),
    )
    return [PollAge(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class PollState:
    """When the last poll that worked has ended, how far behind now the watermark is, and what went wrong last."""

    channel: str
    at: datetime | None
    lag_s: float
    error: str | None


def read_polls(pool: Pool, channels: Sequence[str]) -> list[PollState]:
    """Of those of `channels` that are polled.

    A list that was read to its end has shown everything, however old the newest change in it is; within one, and
    before the first, only the watermark says how far that goes.
    """
    with pool.autocommit("read_polls") as cursor:
        cursor.execute(
            "SELECT channel, last_success_at, extract(epoch FROM now() - CASE WHEN list_cursor IS NULL"
            " THEN coalesce(last_success_at, synced_until) ELSE synced_until END)::float8, last_error"
            " FROM poll_state WHERE channel = ANY(%s::text[]) ORDER BY channel",
            (text_array(channels),),
        )
        return [PollState(*row) for row in cursor.fetchall()]
