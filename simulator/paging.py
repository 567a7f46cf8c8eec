"""Opaque cursors: the query of the first page, and the place in the list after which the next one starts."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime

import orjson

from simulator.catalogue import Order

Place = tuple[datetime, int]


def write_cursor(query: Mapping[str, str], place: Place) -> str:
    document = {"query": dict(query), "after": [place[0].isoformat(), place[1]]}
    return urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")


def read_cursor(text: str) -> tuple[dict[str, str], Place] | None:
    """What write_cursor put in; None for a text that it did not write."""
    try:
        document = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return dict(document["query"]), (datetime.fromisoformat(document["after"][0]), int(document["after"][1]))
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def select_after(orders: list[Order], place: Place | None, *, backwards: bool = False) -> list[Order]:
    """The orders behind `place`. An order that changes while its list is read moves to the list's young end."""
    if place is None:
        return orders
    if backwards:
        return [order for order in orders if (order.updated_at, order.serial) < place]
    return [order for order in orders if (order.updated_at, order.serial) > place]
