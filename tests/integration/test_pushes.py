"""Messages to channels: one that is taken over, one that meets a bug, one that is too late."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.channels.base import Page, PushMessage
from app.errors import CallFailed, PushRefused
from app.orders.push import push_message
from app.store.outbox import insert_message, list_failed, replay_messages
from app.store.pool import Pool
from tests.privacy import query

DELAYS_S = (60, 60)


class Listener:
    """A channel that is told; `before` is called first, and may raise."""

    name = "standard"
    lists = False
    oldest_first = False

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.heard: list[str] = []
        self._before = before

    def list_orders(self, *_: object) -> Page:
        raise AssertionError("pushing lists nothing")

    def push(self, message: PushMessage) -> None:
        self._before()
        self.heard.append(message.status)


def raise_it(error: Exception) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


@pytest.fixture
def packed(pool: Pool) -> Pool:
    """An order whose channel is to be told of two statuses: messages 1 and 2."""
    query(
        pool,
        "INSERT INTO orders (channel, external_id, number, channel_status, channel_version, channel_rank,"
        " channel_delivery, placed_at) VALUES ('standard', 'A-1', 'A-1', 'paid', now(), 30, 'd', now()) RETURNING id",
    )
    with pool.transaction("test") as cursor:
        for status in ("packed", "shipped"):
            payload = {"status": status}
            insert_message(cursor, 1, channel="standard", kind="status", payload=payload, request_id="r")
    return pool


def push(pool: Pool, listener: Listener, message_id: int) -> str:
    return push_message(pool, {"standard": listener}, message_id, retry_delays_s=DELAYS_S)


def read_states(pool: Pool) -> list[tuple[object, ...]]:
    return query(pool, "SELECT id, state, attempts FROM outbox ORDER BY id")


def count_events(pool: Pool) -> list[tuple[object, ...]]:
    return query(pool, "SELECT type, count(*) FROM order_events GROUP BY type ORDER BY type")


def end_waits(pool: Pool) -> None:
    query(pool, "UPDATE outbox SET next_attempt_at = now() WHERE state = 'pending' RETURNING id")


@pytest.mark.parametrize("error", [CallFailed("timeout", "late"), PushRefused("no word for it"), None])
def test_a_worker_that_was_frozen_does_not_undo_what_another_has_delivered(
    packed: Pool, error: Exception | None
) -> None:
    """It wakes up after its lease: by then another worker has delivered this message, and the next of the order."""
    other = Listener()

    def freeze() -> None:
        end_waits(packed)
        assert push(packed, other, 1) == "delivered"
        assert push(packed, other, 2) == "delivered"
        if error:
            raise error

    assert push(packed, Listener(freeze), 1) == "overtaken"
    assert other.heard == ["packed", "shipped"]
    assert read_states(packed) == [(1, "done", 1), (2, "done", 1)]
    assert count_events(packed) == [("push_delivered", 2)]


def test_a_bug_of_ours_is_a_try_and_ends_in_sight(packed: Pool) -> None:
    broken = Listener(raise_it(KeyError("grace@example.com")))
    for _ in DELAYS_S:
        with pytest.raises(KeyError):
            push(packed, broken, 1)
        assert push(packed, broken, 1) == "skipped"
        end_waits(packed)
    assert push(packed, broken, 1) == "failed"
    assert [one["error"] for one in list_failed(packed, 10)] == ["the push broke off (KeyError)"]
    assert count_events(packed) == [("push_failed", 1), ("push_retried", 2)]
    assert push(packed, Listener(), 2) == "delivered"


def test_what_was_given_up_is_not_sent_after_a_later_status(packed: Pool) -> None:
    assert push(packed, Listener(raise_it(PushRefused("not now"))), 1) == "failed"
    assert replay_messages(packed, [1]) == [1]
    assert push(packed, Listener(raise_it(PushRefused("not now"))), 1) == "failed"
    assert push(packed, Listener(), 2) == "delivered"
    assert replay_messages(packed, [1, 2]) == []
    assert read_states(packed) == [(1, "failed", 1), (2, "done", 1)]
