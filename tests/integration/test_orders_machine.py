"""Whatever happens, in whatever sequence: every order is stored once in its last state, every push applied once.

Hypothesis chooses the steps: orders are made and live, webhooks come late, twice, in no order or never, polls run,
fail, die and are overtaken, pushes fail and die, transactions are abandoned in the middle, processes start again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.errors import CallFailed, Unavailable
from app.model import ParsedDelivery
from app.store.polls import LeaseLost
from simulator.catalogue import CHANNEL_NAMES, ChannelName
from stack.servers import PostgresServer
from tests.bystanders import Died, Mortal, Sliced
from tests.machine import PARSERS, POLLED, SmallWorld
from tests.servers import copy_database
from tests.simulation import Laboratory, serve

EXAMPLES, STEPS = 24, 40
PICKS = st.integers(0, 1000)
LIST_FAULTS = ("500", "lost_answer", "truncated_body", "repeated_cursor", "duplicate", "reorder")
PUSH_FAULTS = ("500", "lost_answer", "truncated_body", "403")
PUSH_OPERATIONS = {"shopify": ("fulfill", "cancel"), "woocommerce": ("update",), "amazon": ("confirm_shipment",),
                   "standard": ("inbound",)}  # fmt: skip
ROUNDS = 6  # of settling: a push changes an order, which a poll then brings


# What must have happened in a whole run, at least once: a proof over steps that never come is none.
EXPECTED = frozenset(
    {"drained", "drain died", "polled", "poll died", "overtaken", "pushed", "push died", "push retried"}
)


class OrdersMachine(RuleBasedStateMachine):
    def __init__(self, world: SmallWorld, tally: Counter[str]) -> None:
        super().__init__()
        self.world = world
        self.tally = tally

    @initialize()
    def begin(self) -> None:
        """Two orders of each channel, stored: with none, most steps are nothing."""
        for channel in CHANNEL_NAMES:
            self.world.laboratory.make(channel, 2)
        self.world.collect_post()
        self.settle()

    # the channels

    @rule(channel=st.sampled_from(CHANNEL_NAMES), seconds=st.integers(0, 20))
    def make(self, channel: ChannelName, seconds: int) -> None:
        self.world.laboratory.make(channel, 1, seconds=seconds)
        self.world.collect_post()

    @rule(pick=PICKS, seconds=st.integers(0, 20))
    def live(self, pick: int, seconds: int) -> None:
        simulated = self.world.laboratory.simulation.world
        orders = list(simulated.iterate_orders())
        if orders:
            simulated.advance_order(orders[pick % len(orders)])
            self.world.laboratory.now += seconds * (self.world.laboratory.now.resolution * 1_000_000)
            self.world.collect_post()

    @rule(pick=PICKS)
    def deliver(self, pick: int) -> None:
        if self.world.post:
            letter = self.world.post.pop(pick % len(self.world.post))
            self.world.deliver(letter)
            self.world.delivered.append(letter)

    @rule(pick=PICKS)
    def deliver_again(self, pick: int) -> None:
        if self.world.delivered:
            self.world.deliver(self.world.delivered[pick % len(self.world.delivered)])

    @rule(pick=PICKS)
    def lose(self, pick: int) -> None:
        """For good, where a poll can bring it; a standard sender tries again until it is heard."""
        lost = [letter for letter in self.world.post if letter.channel != "standard"]
        if lost:
            self.world.post.remove(lost[pick % len(lost)])

    @rule(channel=st.sampled_from(POLLED), kind=st.sampled_from(LIST_FAULTS))
    def spoil_list(self, channel: str, kind: str) -> None:
        self.world.laboratory.control("misbehave", channel=channel, operation="list_orders", kind=kind, count=1)

    @rule(channel=st.sampled_from(CHANNEL_NAMES), kind=st.sampled_from(PUSH_FAULTS), pick=PICKS)
    def spoil_push(self, channel: str, kind: str, pick: int) -> None:
        operations = PUSH_OPERATIONS[channel]
        operation = operations[pick % len(operations)]
        self.world.laboratory.control("misbehave", channel=channel, operation=operation, kind=kind, count=1)

    # the service

    @rule(limit=st.integers(1, 6))
    def drain(self, limit: int) -> None:
        self.tally["drained"] += self.world.drain(limit)

    @rule(at=st.integers(0, 3), is_backend=st.booleans())
    def die_draining(self, at: int, is_backend: bool) -> None:
        """The worker, or its connection, is killed in the middle of a batch."""
        self.world.laboratory.make("shopify", 1)  # so that there is a batch
        self.world.collect_post()
        self.world.deliver(self.world.post.pop())
        parsed = 0

        def parse(channel: str, topic: str, payload: str) -> ParsedDelivery:
            nonlocal parsed
            parsed += 1
            if parsed > at:
                if not is_backend:
                    raise Died
                self.world.kill_backends()
            return PARSERS[channel](topic, payload)

        parsers = {name: lambda topic, payload, name=name: parse(name, topic, payload) for name in PARSERS}
        try:
            self.world.drain(10, parsers)
        except (Died, Unavailable):
            assert parsed > at
            self.tally["drain died"] += 1
        else:
            assert parsed <= at

    @rule(channel=st.sampled_from(POLLED))
    def poll(self, channel: str) -> None:
        try:
            result = self.world.poll(channel)
            self.tally["polled"] += result.news if result else 0
        except CallFailed:
            assert self.world.laboratory.simulation.misbehaviour.describe()

    @rule(channel=st.sampled_from(POLLED), at=st.integers(0, 2))
    def die_polling(self, channel: str, at: int) -> None:
        """The poller is killed in the middle of its pages; its lease stays until time has passed."""

        def die(number: int) -> None:
            if number == at:
                self.tally["poll died"] += 1
                raise Died

        with suppress(Died, CallFailed):
            self.world.poll(channel, Sliced(self.world.clients[channel], die))

    @rule(channel=st.sampled_from(POLLED), at=st.integers(0, 1))
    def overtake(self, channel: str, at: int) -> None:
        """A poller is frozen in the middle of its pages for longer than its lease; another one works meanwhile."""
        took_over = False

        def freeze(number: int) -> None:
            nonlocal took_over
            if number == at:
                self.world.pass_time()
                self.world.laboratory.simulation.misbehaviour.clear()
                took_over = self.world.poll(channel) is not None

        try:
            self.world.poll(channel, Sliced(self.world.clients[channel], freeze))
        except LeaseLost:
            assert took_over
            self.tally["overtaken"] += 1
        except CallFailed:
            assert not took_over
        else:
            assert not took_over, "a poller that had lost its lease wrote its page"

    @rule(pick=PICKS, times=st.integers(1, 3))
    def change_status(self, pick: int, times: int) -> None:
        for _ in range(times):
            self.world.change_status(pick)

    @rule(pick=PICKS)
    def push(self, pick: int) -> None:
        self.world.pass_time()
        waiting = self.list_waiting(pick)
        if waiting:
            outcome = self.world.push(waiting[pick % len(waiting)])
            self.tally[{"delivered": "pushed", "retried": "push retried"}.get(outcome, outcome)] += 1
            self.world.collect_post()

    def list_waiting(self, pick: int) -> list[int]:
        """Messages that wait; when there are none, an operator is tempted to make one."""
        for attempt in range(4):
            if waiting := self.world.list_waiting():
                return waiting
            self.world.change_status(pick + 2 * attempt + 1)
        return self.world.list_waiting()

    @rule(kind=st.sampled_from(PUSH_FAULTS), pick=PICKS)
    def push_into_a_fault(self, kind: str, pick: int) -> None:
        for channel, operations in PUSH_OPERATIONS.items():
            for operation in operations:
                self.world.laboratory.control("misbehave", channel=channel, operation=operation, kind=kind, count=1)
        self.push(pick)
        self.world.laboratory.simulation.misbehaviour.clear()

    @rule(pick=PICKS, after=st.booleans())
    def die_pushing(self, pick: int, after: bool) -> None:
        waiting = self.list_waiting(pick)
        if not waiting:
            return
        mortals = {name: Mortal(client, after=after) for name, client in self.world.clients.items()}
        try:
            self.world.push(waiting[pick % len(waiting)], dict(mortals))
        except Died:
            self.tally["push died"] += 1
        self.world.collect_post()

    @rule()
    def pass_time(self) -> None:
        self.world.pass_time()

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @invariant()
    def nothing_goes_back(self) -> None:
        self.world.check_versions()

    def teardown(self) -> None:
        """The faults end, and everything that is due is done: then both sides must agree."""
        self.world.laboratory.simulation.misbehaviour.clear()
        self.world.restart()
        try:
            for _ in range(ROUNDS):
                self.settle()
            assert self.world.list_waiting() == []
            self.world.check_versions()
            self.world.check_stored()
            self.world.check_pushed()
        finally:
            self.world.close()

    def settle(self) -> None:
        for letter in self.world.post:
            self.world.deliver(letter)
        self.world.post.clear()
        self.world.pass_time()
        for channel in POLLED:
            assert self.world.poll(channel)
        while self.world.drain():
            pass
        for message_id in self.world.list_waiting():
            self.world.push(message_id)
        self.world.collect_post()


@pytest.fixture
def url(postgres_server: PostgresServer, database_template: str) -> Iterator[str]:
    with copy_database(postgres_server, "orders_machine") as url:
        yield url


def test_orders_and_pushes_survive_whatever_happens(url: str) -> None:
    laboratory, tally = Laboratory(), Counter[str]()
    with serve(laboratory, 2.0) as found:
        run_state_machine_as_test(
            lambda: OrdersMachine(SmallWorld(url, laboratory, found), tally),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.explicit, Phase.generate],  # a failure is reported as it was found, and soon
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert {what for what, times in tally.items() if times} >= EXPECTED, tally
