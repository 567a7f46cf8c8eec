"""A list that goes in circles is told from one that is gone on with by another process."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.channels.base import Page
from app.channels.pages import PageGuard
from app.errors import CallFailed
from app.model import PolledOrder


def make_page(number: int, following: str | None) -> Page:
    return Page((PolledOrder(f"{number}", datetime(2026, 11, 22, tzinfo=UTC), "t", "{}"),), following)


def test_a_list_that_was_begun_elsewhere_may_come_by_a_cursor_of_an_earlier_one() -> None:
    guard = PageGuard()
    for number, cursor, following in ((1, None, "a"), (2, "a", "c"), (3, "c", None)):
        guard.check(cursor, make_page(number, following))
    # another process has begun the next list; WooCommerce's cursors are times, so two lists may meet in one
    guard.check("b", make_page(4, "c"))
    guard.check("c", make_page(3, None))


def test_a_cursor_that_comes_again_within_a_list_that_was_begun_elsewhere_is_a_circle() -> None:
    guard = PageGuard()
    guard.check("b", make_page(1, "c"))
    guard.check("c", make_page(2, "d"))
    with pytest.raises(CallFailed, match="cursor that it had answered before"):
        guard.check("d", make_page(3, "c"))
