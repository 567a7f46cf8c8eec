"""Everything that is held about a person, for the person: orders with all that belongs to them, and raw payloads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.orders.privacy_work import find_payloads
from app.store import privacy_erase
from app.store.order_reads import read_order
from app.store.outbox import list_of_order
from app.store.pool import Pool
from app.store.privacy import Person

PAGE = 500  # orders found at once
STRETCH = 2000  # ids of the inbox in one look
EVERYTHING = 1_000_000  # of each kind that belongs to one order


def list_orders(pool: Pool, channel: str, person: Person) -> list[int]:
    """Ids of all orders of a person, ascending."""
    found: list[int] = []
    while True:
        with pool.transaction("export") as cursor:
            page = privacy_erase.find_orders(
                cursor, channel, person, after=found[-1] if found else 0, limit=PAGE, erased_too=True
            )
        found += page
        if len(page) < PAGE:
            return found


def add_orders(pool: Pool, person: Person, order_ids: list[int]) -> Person:
    """The person with the names of their orders: what is delivered about those need not name the person."""
    with pool.transaction("export") as cursor:
        names = privacy_erase.read_external_ids(cursor, order_ids)
    return replace(person, order_external_ids=tuple(sorted({*person.order_external_ids, *names})))


def list_payloads(pool: Pool, channel: str, person: Person) -> list[dict[str, Any]]:
    """Raw payloads that belong to no order and are about the person, or about an order that is named with them."""
    found: list[dict[str, Any]] = []
    with pool.transaction("export") as cursor:
        place, last = privacy_erase.read_span(cursor, "inbox")
    while place < last:
        with pool.transaction("export") as cursor:
            some, place = find_payloads(cursor, channel, person, place, place + STRETCH, with_pending=True)
        found += [{"delivery": one.inbox_id, "received_at": one.received_at, "payload": one.payload} for one in some]
    return found


def read_export(pool: Pool, channel: str, person: Person) -> dict[str, Any] | None:
    """The whole of it as one document; None when nothing is held about the person."""
    ids = list_orders(pool, channel, person)
    orders = []
    for order_id in ids:
        order = read_order(pool, order_id, with_payloads=True, most=EVERYTHING)
        if order is not None:
            del order["pushes"]  # all of them are in the messages
            with pool.transaction("export") as cursor:
                orders.append(order | {"messages": list_of_order(cursor, order_id)})
    payloads = list_payloads(pool, channel, add_orders(pool, person, ids))
    return {"channel": channel, "orders": orders, "other_deliveries": payloads} if orders or payloads else None
