"""The table of transitions, as operators meet it."""

from __future__ import annotations

from itertools import product

import pytest

from app.model import OVERRIDING
from app.orders.transitions import PROGRESSES, STATUSES, TRANSITIONS, explain_refusal, list_next


def test_every_progress_has_a_row_and_leads_only_to_known_ones() -> None:
    assert set(TRANSITIONS) == set(PROGRESSES)
    assert set().union(*TRANSITIONS.values()) <= set(PROGRESSES)


def test_every_progress_can_be_reached_from_new_and_none_leads_to_itself() -> None:
    reached, frontier = {"new"}, {"new"}
    while frontier:
        frontier = {to for one in frontier for to in TRANSITIONS[one]} - reached
        reached |= frontier
    assert reached == set(PROGRESSES)
    assert all(one not in targets for one, targets in TRANSITIONS.items())


@pytest.mark.parametrize(
    ("current", "wanted"),
    [("new", "processing"), ("processing", "packed"), ("packed", "shipped"), ("shipped", "delivered"),
     ("delivered", "returned"), ("on_hold", "processing"), ("packed", "processing"), ("new", "cancelled")],
)  # fmt: skip
def test_an_order_moves_along_its_life(current: str, wanted: str) -> None:
    assert explain_refusal(current, "paid", wanted) is None


@pytest.mark.parametrize(
    ("current", "wanted"),
    [("new", "shipped"), ("shipped", "cancelled"), ("delivered", "new"), ("cancelled", "processing"),
     ("returned", "processing"), ("new", "new")],
)  # fmt: skip
def test_a_step_that_is_not_in_the_table_is_refused_with_a_reason(current: str, wanted: str) -> None:
    assert current in explain_refusal(current, "paid", wanted)


@pytest.mark.parametrize(("channel_status", "current"), list(product(sorted(OVERRIDING), PROGRESSES)))
def test_the_channels_cancel_and_refund_have_the_last_word(channel_status: str, current: str) -> None:
    assert list_next(current, channel_status) == []
    assert channel_status in explain_refusal(current, channel_status, "processing")


def test_next_statuses_are_those_that_are_not_refused() -> None:
    assert list_next("new", "paid") == ["processing", "on_hold", "cancelled"]


def test_statuses_are_all_values_of_the_column_without_repetition() -> None:
    assert set(STATUSES) == set(PROGRESSES) | OVERRIDING
    assert len(STATUSES) == len(set(STATUSES))
