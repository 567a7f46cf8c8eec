"""The lease of a channel: one poller at a time, a dead one soon followed, one that lost it writes nothing."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.channels import CHANNELS
from app.channels.base import Page, PushMessage
from app.errors import CallFailed
from app.model import ParsedDelivery, PolledOrder
from app.orders import poll as poll_module
from app.orders.lease import hold_lease
from app.orders.poll import PollResult, poll_channel
from app.queue import ASK_AGAIN_S, make_job_id
from app.store import polls
from app.store.polls import LeaseLost
from app.store.pool import Pool
from tests.privacy import drain, make_order, query, store

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


def test_a_quiet_channel_is_not_behind_and_one_in_mid_list_is(due: Pool) -> None:
    """Nothing changed there for an hour, and a poll saw just that."""
    old = replace(ORDER, version=datetime.now(UTC) - timedelta(hours=1))
    assert poll(due, Shop(Page((old,), None)), interval_s=0)
    (state,) = polls.read_polls(due, ["shopify"])
    assert state.lag_s < 60
    with pytest.raises(CallFailed):
        poll(due, Shop(Page((old,), "more"), CallFailed("timeout", "too slow")))
    (state,) = polls.read_polls(due, ["shopify"])
    assert state.lag_s > 3000


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


class SlowList(Shop):
    """A list that is not in the order of change, of which a poll gets two pages before it is told to wait."""

    oldest_first = False

    def __init__(self, orders: list[list[PolledOrder]]) -> None:
        super().__init__()
        self.pages = orders
        self.asked: list[tuple[datetime, str | None]] = []
        self._left = 2

    def list_orders(self, modified_since: datetime, modified_until: datetime | None, cursor: str | None) -> Page:
        if not self._left:
            self._left = 2
            raise CallFailed("rate_limited", "wait", retry_after_s=0.0)
        self._left -= 1
        self.asked.append((modified_since, cursor))
        number = int(cursor or 0)
        return Page(tuple(self.pages[number]), str(number + 1) if number + 1 < len(self.pages) else None)


def make_pages(count: int) -> list[list[PolledOrder]]:
    """Pages of one order each, the newest first."""
    return [[PolledOrder(f"{n}", NOW - timedelta(seconds=n), "orders/updated", "{}")] for n in range(count)]


def read_place(pool: Pool) -> tuple[object, ...]:
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT synced_until, list_cursor FROM poll_state")
        row: tuple[object, ...] = cursor.fetchone()
        return row


def poll_on(pool: Pool, shop: Shop) -> PollResult | None:
    """The next poll, without the pause before it."""
    with pool.autocommit("test") as cursor:
        cursor.execute("UPDATE poll_state SET next_poll_at = now()")
    try:
        return poll(pool, shop)
    except CallFailed:
        return None


def test_a_list_that_takes_many_polls_is_gone_on_with(due: Pool) -> None:
    before, _ = read_place(due)
    shop = SlowList(make_pages(7))
    for place in ("2", "4", "6"):
        assert poll_on(due, shop) is None
        assert read_place(due) == (before, place)
    result = poll_on(due, shop)
    assert result is not None
    assert result.complete
    # every page once, all with the period of the first
    assert [cursor for _, cursor in shop.asked] == [None, "1", "2", "3", "4", "5", "6"]
    assert len({since for since, _ in shop.asked}) == 1
    assert read_place(due) == (NOW, None)
    with due.autocommit("test") as cursor:
        cursor.execute("SELECT count(*) FROM inbox")
        assert cursor.fetchone() == (7,)


def test_what_changes_while_a_list_is_read_is_seen_by_the_next(due: Pool) -> None:
    pages = make_pages(4)
    shop = SlowList(pages)
    assert poll_on(due, shop) is None
    # an order on the last page changes, and another one moves back to a page that was read
    later = datetime.now(UTC) + timedelta(seconds=1)
    pages[3] = [replace(pages[3][0], version=later)]
    result = poll_on(due, shop)
    assert result is not None
    assert result.complete
    synced_until, _ = read_place(due)
    assert isinstance(synced_until, datetime)
    assert synced_until < later - timedelta(seconds=1)


def test_more_changes_than_a_poll_can_read_within_the_overlap_keep_nothing_out(
    due: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bulk edit: the oldest change comes first, and every poll looks back to the first of them."""
    monkeypatch.setattr(poll_module, "MAX_SECONDS", 0.0)  # one page a poll
    shop = SlowList(list(reversed(make_pages(4))))
    shop.oldest_first = True
    for number in range(4):
        shop._left = 1
        result = poll_on(due, shop)
        assert result is not None
        assert result.complete is (number == 3)
    assert [cursor for _, cursor in shop.asked] == [None, "1", "2", "3"]
    assert read_place(due) == (NOW, None)


def test_two_changes_in_one_second_of_which_the_webhook_of_the_later_was_lost(due: Pool) -> None:
    """Shopify tells the time in seconds: the second change has the version of the first."""
    open_, cancelled = make_order(1), make_order(1, cancelled_at="2026-11-01T10:00:00Z")
    store(due, "webhook", open_)
    version = datetime.fromisoformat(open_["updated_at"])
    assert version == datetime.fromisoformat(cancelled["updated_at"])
    for body, news in ((open_, 0), (cancelled, 1), (cancelled, 0), (open_, 0)):
        result = poll_on(due, Shop(Page((PolledOrder("1", version, "orders/updated", json.dumps(body)),), None)))
        assert result is not None
        assert result.news == news
        drain(due)
    assert query(due, "SELECT channel_status FROM orders") == [("cancelled",)]


def test_an_order_without_a_version_goes_to_the_inbox_once_and_moves_nothing(due: Pool) -> None:
    before, _ = read_place(due)
    odd = replace(ORDER, external_id="unreadable-1", version=None)
    for _ in range(2):
        result = poll_on(due, Shop(Page((odd,), None)))
        assert result is not None
        assert read_place(due) == (before, None)
    result = poll_on(due, Shop(Page((odd, ORDER), None)))
    assert result is not None
    assert result.news == 1
    assert read_place(due) == (NOW, None)
    with due.autocommit("test") as cursor:
        cursor.execute("SELECT count(*) FROM inbox")
        assert cursor.fetchone() == (2,)


def test_an_order_that_a_parser_stumbles_over_holds_up_no_list(due: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(topic: str, payload: str) -> ParsedDelivery:
        raise TypeError("a bug of ours")

    monkeypatch.setitem(CHANNELS, "shopify", replace(CHANNELS["shopify"], parse=stumble))
    result = poll_on(due, Shop(Page((ORDER,), None)))
    assert result is not None
    assert result.news == 1  # the drain charges it, and puts it into quarantine in the end
    assert read_place(due) == (NOW, None)


def test_a_cursor_that_is_not_known_any_more_begins_the_list_anew(due: Pool) -> None:
    shop = SlowList(make_pages(3))
    assert poll_on(due, shop) is None
    gone = Shop(CallFailed("client_error", "that token has expired", status=400))
    gone.oldest_first = False
    assert poll_on(due, gone) is None
    assert read_place(due)[1] is None
    again = SlowList(make_pages(2))
    result = poll_on(due, again)
    assert result is not None
    assert result.complete
    assert again.asked[0][1] is None


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
