"""The simulator over real sockets: its webhooks, what goes wrong on the wire, and its command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from flask import Flask, Response, request

from app.channels import CHANNELS, WEBHOOKS
from app.channels.base import Delivery
from simulator.application import EVENTS, create_app
from simulator.server import RunningServer, start_server
from simulator.simulation import Simulation
from tests.service import PALMONAS
from tests.simulation import CONTROL, CREDENTIALS, SHOPIFY

DEADLINE_S = 20.0
SECRETS = {
    "shopify": "shopify-signing-secret",
    "woocommerce": "woocommerce-signing-secret",
    "standard": f"whsec_{b64encode(b'standard-signing-secret').decode()}",
}
LIST = "/admin/api/2024-10/orders.json?status=any"


@dataclass
class Receiver:
    """A service that takes webhooks, verifies them as ours does, and can be told to refuse some."""

    failures_left: int = 0
    arrived: list[tuple[str, Delivery, bytes]] = field(default_factory=list)
    refused: int = 0
    pings: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def create_app(self) -> Flask:
        app = Flask("receiver")

        @app.post("/webhooks/<channel>")
        def take(channel: str) -> Response:
            body = request.get_data()
            with self.lock:
                if WEBHOOKS[channel].is_ping(request.headers, body):
                    self.pings += 1
                elif self.failures_left:
                    self.failures_left -= 1
                    self.refused += 1
                    return Response(status=503)
                else:
                    given = WEBHOOKS[channel].verify(request.headers, body, [SECRETS[channel]], time.time())
                    self.arrived.append((channel, given, body))
            return Response(status=202)

        return app


@dataclass
class Stage:
    receiver: Receiver
    simulation: Simulation
    server: RunningServer

    def control(self, path: str, **body: object) -> None:
        answer = requests.post(f"{self.server.url}/control/{path}", json=body, headers=CONTROL, timeout=DEADLINE_S)
        assert answer.ok, answer.text

    def count(self, channel: str, name: str) -> int:
        counts: dict[str, int] = self.simulation.webhooks.describe()["channels"][channel]
        return counts.get(name, 0)

    def wait_until_idle(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not self.simulation.webhooks.describe()["idle"]:
            assert time.monotonic() < deadline, "the webhooks did not come to rest in time"
            time.sleep(0.02)

    def list_parsed(self, channel: str) -> dict[str, str]:
        """Status by order, the newest version counts."""
        newest: dict[str, tuple[object, str]] = {}
        for name, delivery, body in self.receiver.arrived:
            parsed = CHANNELS[name].parse(delivery.topic, body.decode()).order
            if name == channel and parsed is not None:
                known = newest.get(parsed.external_id)
                if known is None or known[0] < parsed.version:  # type: ignore[operator]  # both are datetimes
                    newest[parsed.external_id] = (parsed.version, parsed.channel_status)
        return {external_id: status for external_id, (_, status) in newest.items()}

    def list_truth(self, channel: str) -> dict[str, str]:
        with self.simulation.world.lock:
            return {order.external_id: order.status for order in self.simulation.world.list_orders(channel)}


@pytest.fixture
def stage() -> Iterator[Stage]:
    receiver = Receiver()
    target = start_server(receiver.create_app(), "127.0.0.1", 0)
    simulation = Simulation(CREDENTIALS, EVENTS, seed=7, target=target.url, webhook_secrets=SECRETS)
    server = start_server(create_app(simulation), "127.0.0.1", 0)
    simulation.webhooks.start()
    yield Stage(receiver, simulation, server)
    simulation.misbehaviour.ended.set()
    server.stop()
    simulation.webhooks.stop()
    target.stop()


@pytest.mark.parametrize("channel", sorted(SECRETS))
def test_every_order_arrives_signed_and_ends_as_the_oracle_says(stage: Stage, channel: str) -> None:
    stage.control("orders", channel=channel, count=30, steps=2)
    stage.control("orders/advance", steps=10)
    stage.wait_until_idle()
    assert len(stage.list_truth(channel)) == 30
    assert stage.list_parsed(channel) == stage.list_truth(channel)
    assert stage.count(channel, "delivered") == stage.count(channel, "made") == len(stage.receiver.arrived)


@pytest.mark.parametrize("channel", ["shopify", "standard"])
def test_a_refused_webhook_is_tried_again_under_its_id(stage: Stage, channel: str) -> None:
    stage.receiver.failures_left = 2
    stage.control("orders", channel=channel, count=1)
    stage.wait_until_idle()
    assert stage.receiver.refused == 2
    assert len(stage.receiver.arrived) == 1
    assert (stage.count(channel, "tries"), stage.count(channel, "failed")) == (3, 2)


def test_woocommerce_does_not_try_again_and_gives_up_after_five_failures(stage: Stage) -> None:
    stage.receiver.failures_left = 5
    stage.control("orders", channel="woocommerce", count=5)
    stage.wait_until_idle()
    assert stage.count("woocommerce", "tries") == 5
    stage.control("orders", channel="woocommerce", count=3)
    stage.wait_until_idle()
    assert stage.receiver.arrived == []
    assert stage.count("woocommerce", "disabled") == 3
    stage.control("webhooks/enable", channel="woocommerce")
    assert stage.receiver.pings == 1
    stage.control("orders", channel="woocommerce", count=1)
    stage.wait_until_idle()
    assert len(stage.receiver.arrived) == 1


def test_a_standard_sender_can_be_asked_for_what_it_never_sent(stage: Stage) -> None:
    stage.control("misbehave", channel="standard", operation="webhook", kind="never_sends", rate=0.5)
    stage.control("orders", channel="standard", count=20)
    stage.wait_until_idle()
    lost = stage.count("standard", "never_sent")
    assert 0 < lost < 20
    assert len(stage.receiver.arrived) == 20 - lost
    stage.control("webhooks/resend", channel="standard")
    stage.wait_until_idle()
    assert stage.list_parsed("standard") == stage.list_truth("standard")


def test_webhooks_come_twice_and_in_disorder(stage: Stage) -> None:
    stage.control("misbehave", channel="shopify", operation="webhook", kind="duplicate", count=3)
    stage.control("orders", channel="shopify", count=3)
    stage.wait_until_idle()
    ids = [delivery.delivery_id for _, delivery, _ in stage.receiver.arrived]
    assert (len(ids), len(set(ids))) == (6, 3)
    stage.receiver.arrived.clear()
    stage.control("misbehave", channel="standard", operation="webhook", kind="reorder", seconds=1)
    made = stage.simulation.world.make_order("standard")
    for _ in range(20):
        stage.simulation.world.set_status(made, "paid")
    stage.wait_until_idle()
    versions = [CHANNELS["standard"].parse("", body.decode()).order for _, _, body in stage.receiver.arrived]
    times = [order.version for order in versions if order is not None]
    assert len(times) == 21
    assert times != sorted(times)
    assert stage.list_parsed("standard") == {made.external_id: "paid"}


def test_a_truncated_body_breaks_the_answer(stage: Stage) -> None:
    stage.control("orders", channel="shopify", count=5)
    stage.control("misbehave", channel="shopify", kind="truncated_body", count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(stage.server.url + LIST, headers=SHOPIFY, timeout=DEADLINE_S)
    answer = requests.get(stage.server.url + LIST, headers=SHOPIFY, timeout=DEADLINE_S)
    assert len(answer.json()["orders"]) == 5
    assert answer.raw.headers.getlist("Date") == [answer.headers["Date"]]


def test_a_slow_body_keeps_the_connection_alive_without_ending(stage: Stage) -> None:
    stage.control("misbehave", channel="shopify", kind="slow_body", count=1, seconds=2)
    started = time.monotonic()
    # Each piece comes well within the timeout: a limit on silence alone never ends this.
    answer = requests.get(stage.server.url + LIST, headers=SHOPIFY, timeout=0.5)
    assert answer.status_code == 200
    assert time.monotonic() - started > 1.5


def test_a_hang_outlives_the_callers_patience_and_does_the_deed_later(stage: Stage) -> None:
    order = stage.simulation.world.make_order("shopify")
    stage.control("misbehave", channel="shopify", operation="cancel", kind="hang", count=1, seconds=1)
    address = f"{stage.server.url}/admin/api/2024-10/orders/{order.id}/cancel.json"
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(address, headers=SHOPIFY, timeout=0.3)
    assert order.cancelled_at is None
    deadline = time.monotonic() + DEADLINE_S
    while order.cancelled_at is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_command_serves_loopback_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [*PALMONAS, "simulate", "--port", "0", "--secrets", str(tmp_path / "secrets"), "--seed", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        warning, address = process.stdout.readline(), process.stdout.readline()
        assert "for demo, tests and drills only" in warning
        found = re.search(r"http://127\.0\.0\.1:[0-9]+", address)
        assert found is not None
        token = (tmp_path / "secrets" / "simulator_control_token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        oracle = requests.get(f"{found[0]}/control/oracle", headers=headers, timeout=DEADLINE_S)
        assert oracle.json()["seed"] == 5
        assert requests.get(f"{found[0]}/control/oracle", timeout=DEADLINE_S).status_code == 401
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=DEADLINE_S)
        assert (process.returncode, complaints) == (0, "")
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "secrets").iterdir()} == {"0o600"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104 - refused, that is the test
def test_the_command_refuses_every_other_address(tmp_path: Path, host: str) -> None:
    command = [*PALMONAS, "simulate", "--host", host, "--secrets", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 1
    assert "listens on loopback only" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_bad_options_are_one_sentence(tmp_path: Path, stage: Stage) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "shopify_api_token").write_text("")
    taken = [*PALMONAS, "simulate", "--port", str(stage.server.port), "--secrets", str(tmp_path / "other")]
    empty = [*PALMONAS, "simulate", "--port", "0", "--secrets", str(secrets)]
    target = [*PALMONAS, "simulate", "--target", "nowhere", "--secrets", str(tmp_path / "other")]
    nowhere = [*PALMONAS, "simulate"]
    environment = {**os.environ, "PALMONAS_STATE": str(tmp_path / "no-stack")}
    for command, words in (
        (taken, "choose another --port"),
        (empty, "is empty"),
        (target, "is no address"),
        (nowhere, "pass --secrets"),
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False, env=environment)
        assert done.returncode != 0
        assert words in done.stderr
        assert "Traceback" not in done.stderr
