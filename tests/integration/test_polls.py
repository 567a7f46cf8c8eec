"""The lease of a channel: one poller at a time, a dead one soon followed, one that lost it writes nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.channels.base import Page, PushMessage
from app.errors import CallFailed
from app.model import PolledOrder
from app.orders.lease import hold_lease
from app.orders.poll import PollResult, poll_channel
from app.queue import ASK_AGAIN_S, make_job_id
from app.store import polls
from app.store.polls import LeaseLost
from app.store.pool import Pool

LOOKBACK_S = 3600.0
NOW = datetime.now(UTC) - timedelta(minutes=5)
ORDER = PolledOrder("1", NOW, "orders/updated", "{}")


class Shop:
    """A channel whose pages are given; one that is an error is raised, one that can be called is called first."""

    name = "shopify"
    lists = True
    oldest_first = True

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        answer = self._answers.pop(0)
        if callable(answer):
            answer()
            answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Page)
        return answer

    def push(self, message: PushMessage) -> None:
        raise AssertionError("polling pushes nothing")


@pytest.fixture
def due(pool: Pool) -> Pool:
    """A database in which a poll of shopify is due."""
    ((channel, _, _),) = polls.list_due(pool, ["shopify"], LOOKBACK_S)
    assert channel == "shopify"
    return pool


def poll(pool: Pool, shop: Shop, holder: str = "one", *, interval_s: float = 60.0) -> PollResult | None:
    return poll_channel(
        pool, "shopify", shop, holder=holder, interval_s=interval_s, overlap_s=60, settle_s=0, lease_s=1, retry_s=10
    )


def read_state(pool: Pool) -> tuple[object, ...]:
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT lease_holder, failures, last_error, next_poll_at > now() FROM poll_state")
        row: tuple[object, ...] = cursor.fetchone()
        return row


def test_one_of_many_gets_the_lease(due: Pool) -> None:
    taken: list[object] = []
    threads = [
        threading.Thread(target=lambda name=f"{n}": taken.append(polls.take_lease(due, "shopify", name, 30)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(taken) == 8
    assert sum(lease is not None for lease in taken) == 1
    assert polls.list_due(due, ["shopify"], LOOKBACK_S) == []


def test_a_lease_lasts_as_long_as_its_page_and_ends_soon_with_its_poller(due: Pool) -> None:
    lease = polls.take_lease(due, "shopify", "slow", 0.5)
    assert lease
    with hold_lease(due, lease, 0.5):
        time.sleep(1.2)
        assert polls.take_lease(due, "shopify", "other", 30) is None
    # nobody renews it any more, and nobody gave it back
    time.sleep(0.6)
    ((_, due_at, late_s),) = polls.list_due(due, ["shopify"], LOOKBACK_S)
    assert 0 <= late_s < 2
    assert due_at > lease.now
    assert polls.take_lease(due, "shopify", "other", 30)


def test_a_poll_that_is_not_due_is_none(due: Pool) -> None:
    assert poll(due, Shop(Page((), None)))
    assert poll(due, Shop(Page((), None))) is None


def test_who_lost_the_lease_in_mid_page_writes_nothing(due: Pool) -> None:
    """The poller is frozen for longer than its lease, another one takes over and comes to an end."""

    def freeze() -> None:
        with due.autocommit("test") as cursor:
            cursor.execute("UPDATE poll_state SET lease_until = now() - interval '1 second'")
        assert poll(due, Shop(Page((replace(ORDER, external_id="2"),), None)), "two", interval_s=0)

    with pytest.raises(LeaseLost):
        poll(due, Shop(freeze, Page((ORDER,), None)))
    with due.autocommit("test") as cursor:
        cursor.execute("SELECT delivery_id, request_id FROM inbox")
        assert cursor.fetchall() == [(f"!poll:2:{NOW.isoformat()}", "two")]
    assert read_state(due)[:3] == (None, 0, None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(CallFailed("timeout", "took too long"), "timeout"), (ZeroDivisionError("a bug of ours"), "ZeroDivisionError")],
)
def test_a_poll_that_fails_gives_its_lease_back_and_keeps_its_pages(due: Pool, error: Exception, reason: str) -> None:
    with pytest.raises(type(error)):
        poll(due, Shop(Page((ORDER,), "more"), error))
    assert read_state(due) == (None, 1, reason, True)
    with due.autocommit("test") as cursor:
        cursor.execute("SELECT count(*) FROM inbox")
        assert cursor.fetchone() == (1,)


def test_a_job_has_an_id_for_each_time_it_falls_due_and_another_when_nothing_comes_of_it() -> None:
    first = make_job_id("poll", "shopify", NOW, 0.0)
    assert make_job_id("poll", "shopify", NOW, ASK_AGAIN_S - 1) == first
    others = {
        make_job_id("poll", "shopify", NOW, ASK_AGAIN_S),
        make_job_id("poll", "shopify", NOW + timedelta(seconds=1), 0.0),
        make_job_id("poll", "amazon", NOW, 0.0),
        make_job_id("push", "shopify", NOW, 0.0),
    }
    assert len(others | {first}) == 5
