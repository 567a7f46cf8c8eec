"""Clients and parsers that do what the real ones do, and die, or are overtaken, at a chosen moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from app.channels.base import Client, Page, PushMessage
from app.model import PolledOrder

SLICE = 2  # orders on a page, so that a few orders are several pages


class Died(BaseException):
    """The process was killed here: nothing of ours may catch it."""


class Sliced:
    """A client whose pages are small; `at_page` is called with the number of each page before it is handed out.

    Its cursors outlive it, as a channel's do: another poller may go on with a list that this one began.
    """

    _lists: ClassVar[list[list[Page]]] = []

    def __init__(self, client: Client, at_page: Callable[[int], None] = lambda number: None) -> None:
        self.name = client.name
        self.lists = client.lists
        self.oldest_first = client.oldest_first
        self._client = client
        self._at_page = at_page

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        if cursor is None:
            self._lists.append(self._read(modified_since, modified_until))
            cursor = f"{len(self._lists) - 1}.0"
        listed, number = map(int, cursor.split("."))
        self._at_page(number)
        return self._lists[listed][number]

    def _read(self, modified_since: datetime, modified_until: datetime | None) -> list[Page]:
        orders: list[PolledOrder] = []
        following: str | None = None
        while True:
            page = self._client.list_orders(modified_since, modified_until, following)
            orders += page.orders
            following = page.next_cursor
            if following is None:
                break
        parts = [tuple(orders[start : start + SLICE]) for start in range(0, len(orders), SLICE)] or [()]
        listed = len(self._lists)
        return [
            Page(part, f"{listed}.{number}" if number < len(parts) else None) for number, part in enumerate(parts, 1)
        ]

    def push(self, message: PushMessage) -> None:
        self._client.push(message)


class Mortal(Sliced):
    """A client whose process dies while it pushes: before the channel is told, or after."""

    def __init__(self, client: Client, *, after: bool) -> None:
        super().__init__(client)
        self._after = after

    def push(self, message: PushMessage) -> None:
        if self._after:
            super().push(message)
        raise Died
