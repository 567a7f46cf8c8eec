"""Requests about personal data, and the tombstones that keep the erased erased.

A tombstone is a keyed hash, not the name itself: of an order, a customer's id or e-mail address, or a whole shop. The
key is in the same database; a hash hides an address from readers, not from whoever has the database and guesses it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal

from app.errors import Conflict, NotFound
from app.model import PrivacyRequest
from app.store.arrays import dump_json, plain_array, text_array
from app.store.pool import Cursor, Pool

DUE_DAYS = 30  # Shopify's limit for its privacy webhooks; a month is the GDPR's (article 12, 3)
SubjectKind = Literal["order", "customer", "email", "shop"]
WHOLE_SHOP = "*"


@dataclass(frozen=True, slots=True)
class Person:
    """Who a request is about; every part that is given counts."""

    customer_external_id: str | None = None
    email: str | None = None
    order_external_ids: tuple[str, ...] = ()
    reference: str | None = None


def read_person(document: dict[str, Any] | None) -> Person:
    """The person in the `subject` of a request; nobody when it was emptied."""
    known = document or {}
    orders = tuple(str(one) for one in known.get("order_external_ids", ()))
    return Person(known.get("customer_external_id"), known.get("email"), orders, known.get("reference"))


def hash_subject(key: bytes, kind: SubjectKind, value: str) -> str:
    """The tombstone's name of `value`. E-mail addresses are the same in any case of letters."""
    plain = value.strip().lower() if kind == "email" else value
    return blake2b(f"{kind}:{plain}".encode("utf-8", "replace"), key=key, digest_size=16).hexdigest()


def hash_person(key: bytes, person: Person) -> list[str]:
    """The tombstones of a person and of the orders that are named with them."""
    found = [hash_subject(key, "order", one) for one in person.order_external_ids]
    if person.customer_external_id:
        found.append(hash_subject(key, "customer", person.customer_external_id))
    if person.email:
        found.append(hash_subject(key, "email", person.email))
    return found


def read_key(cursor: Cursor) -> bytes:
    cursor.execute("SELECT key FROM privacy_key")
    return bytes(cursor.fetchone()[0])


def read_key_if_used(cursor: Cursor) -> bytes | None:
    """The key of the tombstones; None while there is no tombstone, and so nothing to look for."""
    cursor.execute("SELECT key FROM privacy_key WHERE EXISTS (SELECT 1 FROM erased_subjects)")
    row = cursor.fetchone()
    return bytes(row[0]) if row else None


_INSERT = f"""
INSERT INTO privacy_requests (channel, kind, actor, request_id, received_at, due_at, state, subject, body_digest,
                              completed_at)
SELECT %s, %s, %s, %s, at, at + interval '{DUE_DAYS} days', %s, %s, %s,
       CASE WHEN %s = 'done' THEN clock_timestamp() END
FROM (SELECT coalesce((SELECT received_at FROM inbox WHERE id = %s), clock_timestamp()) AS at) AS received
ON CONFLICT DO NOTHING
RETURNING id, received_at
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`state` is open, held (nothing is erased before an operator confirms) or done."""

    id: int
    state: str


def record_request(
    cursor: Cursor,
    request: PrivacyRequest,
    *,
    channel: str,
    actor: str,
    request_id: str,
    inbox_id: int | None = None,
    payload: str | None = None,
) -> Recorded:
    """Keep a request; one to erase is in force from this transaction's commit.

    It was received when its inbox row was, else now. `payload` is the body that brought it: the same body under
    another delivery id may be somebody's replay of an old one, whose customer has bought again since, so it is held.
    """
    key = read_key(cursor)
    person = Person(request.customer_external_id, request.email, request.order_external_ids, request.reference)
    digest = None
    if payload is not None and request.kind != "data_request":
        digest = blake2b(payload.encode("utf-8", "replace"), key=key, digest_size=16).hexdigest()
    for state, kept_digest in (("open", digest), ("held", None)):
        cursor.execute(
            _INSERT,
            (channel, request.kind, actor, request_id, state, dump_json(person), kept_digest, state, inbox_id),
        )
        row = cursor.fetchone()
        if row is not None:
            break
    if state == "open" and request.kind != "data_request":
        _bury(cursor, _list_tombstones(key, request.kind, person), channel, row[1])
    return Recorded(int(row[0]), state)


def _list_tombstones(key: bytes, kind: str, person: Person) -> list[str]:
    return [hash_subject(key, "shop", WHOLE_SHOP)] if kind == "redact_shop" else hash_person(key, person)


def _bury(cursor: Cursor, subjects: Sequence[str], channel: str, erased_at: datetime) -> None:
    cursor.execute(
        "INSERT INTO erased_subjects (channel, subject, erased_at) SELECT %s, subject, %s"
        " FROM unnest(%s::text[]) AS subject ON CONFLICT (channel, subject)"
        " DO UPDATE SET erased_at = greatest(erased_subjects.erased_at, excluded.erased_at)",
        (channel, erased_at, text_array(sorted(set(subjects)))),
    )


def add_orders(cursor: Cursor, request_id: int, channel: str, order_external_ids: Sequence[str]) -> None:
    """Orders that a request turned out to be about: their refunds and fulfilments name no customer."""
    key = read_key(cursor)
    cursor.execute(
        "UPDATE privacy_requests SET subject = jsonb_set(subject::jsonb, '{order_external_ids}',"
        " (subject::jsonb -> 'order_external_ids') || to_jsonb(%s::text[]))::json"
        " WHERE id = %s RETURNING received_at",
        (text_array(order_external_ids), request_id),
    )
    erased_at = cursor.fetchone()[0]
    _bury(cursor, [hash_subject(key, "order", one) for one in order_external_ids], channel, erased_at)


def confirm_request(pool: Pool, request_id: int) -> None:
    """Let a held request count, for what was there when it was received. Raises NotFound, Conflict."""
    with pool.transaction("confirm_request") as cursor:
        cursor.execute(
            "UPDATE privacy_requests SET state = 'open' WHERE id = %s AND state = 'held'"
            " RETURNING channel, kind, subject, received_at",
            (request_id,),
        )
        row = cursor.fetchone()
        if row is None:
            raise _explain_miss(cursor, request_id, "held")
        channel, kind, subject, received_at = row
        _bury(cursor, _list_tombstones(read_key(cursor), kind, read_person(subject)), channel, received_at)


def answer_request(pool: Pool, request_id: int) -> None:
    """A data request was answered: forget who asked. Raises NotFound, Conflict."""
    _end_request(pool, request_id, "state = 'open' AND kind = 'data_request'", "an open data request")


def dismiss_request(pool: Pool, request_id: int) -> None:
    """A held request was not meant: erase nothing, forget who it was about. Raises NotFound, Conflict."""
    _end_request(pool, request_id, "state = 'held'", "held")


def _end_request(pool: Pool, request_id: int, condition: str, wanted: str) -> None:
    with pool.transaction("end_request") as cursor:
        cursor.execute(
            "UPDATE privacy_requests SET state = 'done', completed_at = clock_timestamp(), subject = NULL"
            f" WHERE id = %s AND {condition}",
            (request_id,),
        )
        if cursor.rowcount == 0:
            raise _explain_miss(cursor, request_id, wanted)


def _explain_miss(cursor: Cursor, request_id: int, wanted: str) -> Conflict | NotFound:
    cursor.execute("SELECT kind, state FROM privacy_requests WHERE id = %s", (request_id,))
    row = cursor.fetchone()
    if row is None:
        return NotFound(f"there is no privacy request {request_id}; see: palmonas customer requests")
    return Conflict(f"privacy request {request_id} is not {wanted}: it is a {row[0]}, {row[1]}")


def record_export(pool: Pool, channel: str, actor: str, request_id: str) -> int:
    """Keep a record that personal data was handed out; not of whom. Returns its id."""
    with pool.transaction("record_export") as cursor:
        cursor.execute(_INSERT, (channel, "export", actor, request_id, "done", None, None, "done", None))
        return int(cursor.fetchone()[0])


def read_request_person(pool: Pool, request_id: int, channel: str) -> Person:
    """Who an open data request of `channel` is about. Raises NotFound, Conflict."""
    with pool.transaction("read_request") as cursor:
        cursor.execute(
            "SELECT subject FROM privacy_requests"
            " WHERE id = %s AND channel = %s AND kind = 'data_request' AND state = 'open'",
            (request_id, channel),
        )
        row = cursor.fetchone()
        if row is None:
            raise _explain_miss(cursor, request_id, f"an open data request of {channel}")
        return read_person(row[0])


_LISTED = (
    "id, channel, kind, state, actor, received_at, due_at, completed_at, orders_erased, payloads_erased, request_id"
)


def list_requests(pool: Pool, limit: int) -> list[dict[str, Any]]:
    """Those that are not done first, then the newest. Nothing in them says who is meant."""
    with pool.autocommit("list_requests") as cursor:
        cursor.execute(
            f"(SELECT {_LISTED} FROM privacy_requests WHERE state <> 'done' ORDER BY id DESC LIMIT %s) UNION ALL"
            f" (SELECT {_LISTED} FROM privacy_requests WHERE state = 'done' ORDER BY id DESC LIMIT %s) LIMIT %s",
            (limit, limit, limit),
        )
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return sorted(found, key=lambda one: (one["state"] == "done", -one["id"]))


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """Requests of a kind that are not done (counted to OPEN_CAP), and the age of the oldest in seconds (0: none)."""

    kind: str
    count: int
    oldest_age_s: float


OPEN_CAP = 10_000  # whoever owes as many answers needs no exact number
_OPEN = f"""
SELECT kinds.kind,
       (SELECT count(*) FROM (
           SELECT 1 FROM privacy_requests AS one WHERE one.kind = kinds.kind AND one.state <> 'done' LIMIT {OPEN_CAP}
       ) AS capped),
       coalesce((
           SELECT extract(epoch FROM clock_timestamp() - one.received_at) FROM privacy_requests AS one
           WHERE one.kind = kinds.kind AND one.state <> 'done' ORDER BY one.id LIMIT 1
       ), 0)::float8
FROM unnest(%s::text[]) AS kinds (kind) ORDER BY kinds.kind
"""


def read_open(cursor: Cursor, kinds: Sequence[str]) -> list[OpenRequests]:
    cursor.execute(_OPEN, (text_array(kinds),))
    return [OpenRequests(*row) for row in cursor.fetchall()]


Tombstone = tuple[str, str]  # channel, subject

# LATERAL with OFFSET: one look into the key for each, never the whole table, however few pages it seems to have.
_FIND_TOMBSTONES = """
SELECT seen.channel, seen.subject, erased.erased_at
FROM unnest(%s::text[], %s::text[]) AS seen (channel, subject)
CROSS JOIN LATERAL (
    SELECT erased_at FROM erased_subjects AS one
    WHERE one.channel = seen.channel AND one.subject = seen.subject OFFSET 0
) AS erased
"""


def find_tombstones(cursor: Cursor, wanted: Collection[Tombstone]) -> dict[Tombstone, datetime]:
    """Those of `wanted` that are there, and since when."""
    cursor.execute(_FIND_TOMBSTONES, (text_array(one[0] for one in wanted), text_array(one[1] for one in wanted)))
    return {(channel, subject): erased_at for channel, subject, erased_at in cursor.fetchall()}


def find_erased_orders(cursor: Cursor, order_ids: Iterable[int]) -> set[int]:
    """Of these orders, those that were erased before."""
    cursor.execute(
        "SELECT id FROM orders WHERE id = ANY(%s::bigint[]) AND erased_at IS NOT NULL", (plain_array(order_ids),)
    )
    return {int(row[0]) for row in cursor.fetchall()}
