"""Group commit, with an `insert` that records what it was given. The real one is proven over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import gevent
import pytest

from app.errors import StoreRejected, StoreUnavailable, Unavailable
from app.orders import accept
from app.orders.accept import Batcher
from app.store.inbox import NewDelivery


def make_delivery(name: str) -> NewDelivery:
    return NewDelivery("shopify", name, "orders/create", f"request-{name}", "{}")


class Store:
    """An inbox in memory; refuses what is called `bad`, and fails as long as `down` is set."""

    def __init__(self) -> None:
        self.rows: set[tuple[str, str]] = set()
        self.batches: list[list[str]] = []
        self.down = False
        self.delay_s = 0.01

    def insert(self, deliveries: Sequence[NewDelivery]) -> set[tuple[str, str]]:
        gevent.sleep(self.delay_s)
        self.batches.append([one.delivery_id for one in deliveries])
        if self.down:
            raise StoreUnavailable("down")
        if any(one.delivery_id == "bad" for one in deliveries):
            raise StoreRejected("refused")
        new = {(one.channel, one.delivery_id) for one in deliveries} - self.rows
        self.rows |= new
        return new


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def rings() -> list[int]:
    return []


@pytest.fixture
def batcher(store: Store, rings: list[int]) -> Iterator[Batcher]:
    made = Batcher(store.insert, lambda: rings.append(1), timeout_s=1.0)
    yield made
    made.stop()


def submit_all(batcher: Batcher, names: Sequence[str]) -> list[str]:
    """The outcome of each, or the name of the error it got."""

    def submit(name: str) -> str:
        try:
            return batcher.submit(make_delivery(name))
        except (StoreRejected, Unavailable) as error:
            return type(error).__name__

    greenlets = [gevent.spawn(submit, name) for name in names]
    gevent.joinall(greenlets, timeout=10, raise_error=True)
    return [str(one.value) for one in greenlets]


def test_requests_that_wait_together_share_a_commit(batcher: Batcher, store: Store, rings: list[int]) -> None:
    assert submit_all(batcher, [str(number) for number in range(100)]) == ["accepted"] * 100
    assert len(store.batches) <= 3
    gevent.sleep(0.05)
    assert 1 <= len(rings) <= len(store.batches)


def test_of_equal_deliveries_in_one_batch_one_is_new(batcher: Batcher) -> None:
    assert sorted(submit_all(batcher, ["same"] * 10)) == ["accepted"] + ["duplicate"] * 9
    assert submit_all(batcher, ["same"]) == ["duplicate"]


def test_one_bad_delivery_fails_one_request(batcher: Batcher, store: Store) -> None:
    outcomes = submit_all(batcher, ["first", "a", "bad", "b", "c"])
    assert outcomes == ["accepted", "accepted", "StoreRejected", "accepted", "accepted"]
    assert len(store.rows) == 4


def test_a_store_that_is_down_fails_all_that_wait_and_later_ones_succeed(batcher: Batcher, store: Store) -> None:
    store.down = True
    assert submit_all(batcher, ["a", "b"]) == ["StoreUnavailable"] * 2
    store.down = False
    assert submit_all(batcher, ["a", "b"]) == ["accepted"] * 2


def test_a_commit_that_does_not_return_is_answered_at_the_deadline(batcher: Batcher, store: Store) -> None:
    store.delay_s = 1.5
    assert submit_all(batcher, ["slow"]) == ["StoreUnavailable"]
    store.delay_s = 0
    gevent.sleep(0.7)
    assert submit_all(batcher, ["slow"]) == ["duplicate"], "no answer does not mean not stored"


def test_after_stop_nothing_is_taken(store: Store) -> None:
    batcher = Batcher(store.insert, lambda: None, timeout_s=1.0)
    batcher.stop()
    assert submit_all(batcher, ["late"]) == ["StoreUnavailable"]


def test_a_batch_is_bounded_in_bytes(batcher: Batcher, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "MAX_BATCH_BYTES", 5)
    assert submit_all(batcher, [str(number) for number in range(10)]) == ["accepted"] * 10
    assert max(len(batch) for batch in store.batches) == 2, "a payload here has two bytes"


def test_more_than_can_wait_is_refused_at_once(batcher: Batcher, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "MAX_WAITING_BYTES", 10)
    outcomes = submit_all(batcher, [str(number) for number in range(20)])
    assert outcomes.count("accepted") == 5
    assert outcomes.count("Overloaded") == 15
    assert submit_all(batcher, ["later"]) == ["accepted"]


def test_what_nobody_waits_for_any_more_is_not_written(batcher: Batcher, store: Store) -> None:
    store.delay_s = 1.3
    first = gevent.spawn(submit_all, batcher, ["first"])
    gevent.sleep(0.2)
    assert submit_all(batcher, ["given up"]) == ["StoreUnavailable"]
    first.join()
    store.delay_s = 0
    assert submit_all(batcher, ["next"]) == ["accepted"]
    assert ["given up"] not in store.batches
    assert batcher.waiting == 0
