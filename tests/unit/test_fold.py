"""Convergence: whatever order deliveries come in, and however they are cut into batches, the same version stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from app.model import LIFECYCLE_RANK, NEVER_SEEN, ChannelStatus, Order, Standing, Version, effective_status, version_of
from app.orders.fold import Arrival, Folded, fold_arrivals

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def make_order(minutes: int, status: ChannelStatus) -> Order:
    return Order(
        external_id="1",
        number="#1",
        channel_status=status,
        version=NOON + timedelta(minutes=minutes),
        placed_at=NOON,
        currency="EUR",
        subtotal=None,
        discount_total=None,
        shipping_total=None,
        tax_total=None,
        total=Decimal("10.00"),
        prices_include_tax=True,
        customer=None,
        billing_address=None,
        shipping_address=None,
        note=None,
        items=(),
        discounts=(),
        shipping_lines=(),
    )


def make_arrival(inbox_id: int, minutes: int, status: ChannelStatus, delivery_id: str = "d") -> Arrival:
    order = make_order(minutes, status)
    return Arrival(inbox_id, order, version_of(order, delivery_id), f"request-{inbox_id}")


def stand(standing: Standing, folded: Folded) -> Standing:
    """What the store holds after a batch."""
    if folded.winner is None:
        return standing
    return Standing(7, folded.winner.version, folded.winner.order.channel_status, standing.progress)


arrivals = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([status for status in get_args(ChannelStatus) if status != "unknown"]),
        st.sampled_from("abc"),
    ),
    min_size=1,
    max_size=7,
)


@given(arrivals, st.data())
def test_any_sequence_and_any_batches_converge(
    deliveries: list[tuple[int, ChannelStatus, str]], data: st.DataObject
) -> None:
    made = [make_arrival(index, *one) for index, one in enumerate(deliveries)]
    winner = max(made, key=lambda one: one.version)
    shuffled = data.draw(st.permutations(made))
    cut = data.draw(st.integers(0, len(shuffled)))
    standing = Standing()
    for batch in (shuffled[:cut], shuffled[cut:], shuffled[:1]):  # the last one is a redelivery
        standing = stand(standing, fold_arrivals(standing, batch))
    assert standing.version == winner.version
    assert standing.channel_status == winner.order.channel_status


@given(arrivals)
def test_each_delivery_causes_one_result_and_the_states_are_a_chain(
    deliveries: list[tuple[int, ChannelStatus, str]],
) -> None:
    made = [make_arrival(index, *one) for index, one in enumerate(deliveries)]
    changes = fold_arrivals(Standing(), made).changes
    own = [change for change in changes if change.type != "status_changed"]
    assert [change.inbox_id for change in own] == list(range(len(made)))
    assert own[0].type == "order_created"
    state = None
    for change in own:
        assert change.from_value == state
        state = change.to_value


def test_a_cancel_that_overtakes_its_create_stands() -> None:
    folded = fold_arrivals(Standing(), [make_arrival(1, 5, "cancelled"), make_arrival(2, 0, "paid")])
    assert [change.type for change in folded.changes] == ["order_created", "status_changed", "delivery_stale"]
    assert folded.winner is not None
    assert folded.winner.order.channel_status == "cancelled"


def test_equal_clocks_are_settled_by_the_lifecycle_then_by_the_delivery() -> None:
    paid, fulfilled = make_arrival(1, 0, "paid", "z"), make_arrival(2, 0, "fulfilled", "a")
    assert fulfilled.version > paid.version
    assert make_arrival(3, 0, "paid", "b").version > make_arrival(4, 0, "paid", "a").version


def test_an_order_known_only_by_its_refund_is_created_by_its_first_version() -> None:
    stub = Standing(3, Version(NEVER_SEEN, 0, ""), "unknown")
    folded = fold_arrivals(stub, [make_arrival(1, 0, "paid")])
    assert [(change.type, change.from_value) for change in folded.changes] == [("order_created", "unknown")]


def test_operators_progress_shows_unless_the_channel_cancels_or_refunds() -> None:
    assert effective_status("paid", "packed") == "packed"
    assert effective_status("cancelled", "packed") == "cancelled"
    assert effective_status("refunded", "shipped") == "refunded"
    standing = Standing(3, Version(NOON, 30, "a"), "paid", "packed")
    changes = fold_arrivals(standing, [make_arrival(1, 1, "cancelled"), make_arrival(2, 2, "paid")]).changes
    assert [(one.type, one.from_value, one.to_value) for one in changes] == [
        ("channel_status_changed", "paid", "cancelled"),
        ("status_changed", "packed", "cancelled"),
        ("channel_status_changed", "cancelled", "paid"),
        ("status_changed", "cancelled", "packed"),
    ]


def test_every_status_has_a_rank_of_its_own() -> None:
    assert set(LIFECYCLE_RANK) == set(get_args(ChannelStatus))
    assert len(set(LIFECYCLE_RANK.values())) == len(LIFECYCLE_RANK)
