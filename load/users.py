"""The users: sales channels that send, operators who look and decide."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from locust import HttpUser, between, constant_throughput, tag, task
from locust.env import Environment
from locust.exception import StopTest
from requests.structures import CaseInsensitiveDict

from app.channels import CHANNELS, WEBHOOKS
from app.errors import UsageError
from app.orders.transitions import PROGRESSES, STATUSES, list_next
from load.journal import Journal
from load.shops import Delivery, Shop
from load.target import check_target

TIMEOUT_S = 15
ACCEPT, LIST = "accept ", "list "  # how the names of the requests begin that are timed together


@dataclass
class Run:
    """What all users share. Locust makes them, and has no way to hand them something."""

    journal: Journal = field(default_factory=Journal)
    shops: dict[str, Shop] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    began: float = 0.0  # seconds since 1970


run = Run()


class LocalUser(HttpUser):
    """Loads this machine, or the one host that was allowed."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)  # type: ignore[no-untyped-call]  # Locust types its methods, not this one
        try:  # again: in the web UI another host can be typed
            check_target(self.client.base_url, self.environment.parsed_options.allow_host)
        except UsageError as error:
            raise StopTest(f"load: {error}") from None


class SalesChannel(LocalUser):
    """A sender of all channels that have a secret: ten deliveries a second at most, and a share of them forged."""

    weight = 4
    wait_time = constant_throughput(10)

    def send(self, delivery: Delivery) -> None:
        headers = sign(delivery)
        run.journal.counts["sent"] += 1
        with self.post(ACCEPT, delivery.channel, delivery.body, headers) as answer:
            if answer.status_code != 200:
                run.journal.counts["failed"] += 1
                answer.failure(f"{answer.status_code} instead of 200")
                return
            run.journal.counts["accepted"] += 1
            run.journal.counts["duplicate"] += answer.json().get("status") == "duplicate"
        if self.environment.parsed_options.stored_within:
            channel = WEBHOOKS[delivery.channel]
            known = channel.verify(
                CaseInsensitiveDict(headers), delivery.body, [run.secrets[delivery.channel]], time.time()
            )
            run.journal.accepted.add((delivery.channel, known.delivery_id))

    def forge(self, delivery: Delivery) -> None:
        """Send what was changed after it was signed."""
        run.journal.counts["forged"] += 1
        with self.post("forged ", delivery.channel, delivery.body + b" ", sign(delivery)) as answer:
            if answer.status_code == 401:
                run.journal.counts["refused"] += 1
                answer.success()
            else:
                answer.failure(f"{answer.status_code} instead of 401 for a forged delivery")

    def post(self, kind: str, channel: str, body: bytes, headers: Mapping[str, str]) -> Any:
        return self.client.post(
            f"/webhooks/{channel}",
            data=body,
            headers=dict(headers),
            name=f"{kind}{channel}",
            catch_response=True,
            allow_redirects=False,
            timeout=TIMEOUT_S,
        )


def sign(delivery: Delivery) -> Mapping[str, str]:
    return WEBHOOKS[delivery.channel].sign(
        delivery.body, run.secrets[delivery.channel], delivery.topic, delivery.delivery_id, time.time()
    )


def make_task(name: str) -> Callable[[Any], None]:
    """Send for one channel, tagged with its name."""

    def deliver(user: SalesChannel) -> None:
        act = user.forge if random.random() < user.environment.parsed_options.forged else user.send
        act(run.shops[name].take())

    tagged: Callable[[Any], None] = tag("channels", name)(deliver)
    return tagged


SalesChannel.tasks = [make_task(name) for name in WEBHOOKS]


class Operator(LocalUser):
    """Looks through lists, opens orders, moves some on."""

    weight = 1
    wait_time = between(0.2, 1.0)

    def on_start(self) -> None:
        self.client.headers["Authorization"] = f"Bearer {run.token}"
        self.orders: list[dict[str, Any]] = []

    @tag("operator", "browse")
    @task(4)
    def list_newest(self) -> None:
        following = self.read_list("newest")
        if following and random.random() < 0.5:
            self.read_list("next page", cursor=following)

    @tag("operator", "browse")
    @task(4)
    def list_filtered(self) -> None:
        choices = {"status": random.choice(STATUSES), "channel": random.choice(list(CHANNELS))}
        if self.orders:
            choices["text"] = random.choice(self.orders)["number"]
        kind = random.choice(list(choices))
        self.read_list(f"by {kind}", **{kind: choices[kind]})

    @tag("operator", "browse")
    @task(4)
    def open_order(self) -> None:
        self.read_order()

    @tag("operator", "change")
    @task(2)
    def change_status(self) -> None:
        movable = [order for order in self.orders if self.list_steps(order)]
        if not movable:  # look for some, for the next time
            self.read_list("by status", status=random.choice(PROGRESSES))
            return
        found = self.read_order(movable)
        if found is None:
            return
        order = found.json()
        choices = self.list_steps(order)
        if not choices:
            return
        with self.client.patch(
            f"/orders/{order['id']}/status",
            json={"status": random.choice(choices)},
            headers={"If-Match": found.headers["ETag"]},
            name="change status",
            catch_response=True,
            allow_redirects=False,
            timeout=TIMEOUT_S,
        ) as answer:
            if answer.status_code in (409, 412):  # somebody was faster: read again, decide again
                run.journal.counts["overtaken"] += 1
                answer.success()
            elif answer.status_code == 200:
                run.journal.counts["changed"] += 1

    def list_steps(self, order: dict[str, Any]) -> list[str]:
        """What the order's status may become, without what its channel would be told: it does not know our orders."""
        api = CHANNELS[order["channel"]].api
        told = api.pushes if api and not self.environment.parsed_options.push else frozenset()
        return [one for one in list_next(order["progress"], order["channel_status"]) if one not in told]

    def read_list(self, kind: str, **query: str) -> str | None:
        """One page; keeps its orders to choose from, returns the cursor of the next."""
        answer = self.client.get(
            "/orders", params=query, name=f"{LIST}{kind}", allow_redirects=False, timeout=TIMEOUT_S
        )
        if answer.status_code != 200:
            return None
        page = answer.json()
        self.orders = page["orders"] or self.orders
        following: str | None = page.get("next")
        return following

    def read_order(self, orders: list[dict[str, Any]] | None = None) -> requests.Response | None:
        """One of `orders`, or of those of the last page."""
        if not self.orders:
            self.read_list("newest")
        if not self.orders:
            return None
        number = random.choice(orders or self.orders)["id"]
        answer: requests.Response = self.client.get(
            f"/orders/{number}", name="read order", allow_redirects=False, timeout=TIMEOUT_S
        )
        return answer if answer.status_code == 200 else None
