"""A simulation for tests: known credentials, a clock that stands still, and every webhook body kept."""

from __future__ import annotations

import logging
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from simulator.application import EVENTS, create_app
from simulator.catalogue import ChannelName, Order
from simulator.orders import Change
from simulator.simulation import Credentials, Simulation

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CREDENTIALS = Credentials(
    shopify_api_token="shpat_0123456789abcdef",
    woocommerce_api_key="ck_0123456789abcdef",
    woocommerce_api_secret="cs_0123456789abcdef",
    amazon_client_id="amzn1.application-oa2-client.0123456789",
    amazon_client_secret="amzn1.oa2-cs.v1.0123456789",
    amazon_refresh_token="Atzr|0123456789abcdef",
    standard_push_secret=f"whsec_{b64encode(b'0123456789abcdef0123456789abcdef').decode()}",
    simulator_control_token="control-0123456789abcdef",
)
CONTROL = {"Authorization": f"Bearer {CREDENTIALS.simulator_control_token}"}
SHOPIFY = {"X-Shopify-Access-Token": CREDENTIALS.shopify_api_token}
WOOCOMMERCE = {
    "Authorization": "Basic "
    + b64encode(f"{CREDENTIALS.woocommerce_api_key}:{CREDENTIALS.woocommerce_api_secret}".encode()).decode()
}
GRANT = {
    "grant_type": "refresh_token",
    "refresh_token": CREDENTIALS.amazon_refresh_token,
    "client_id": CREDENTIALS.amazon_client_id,
    "client_secret": CREDENTIALS.amazon_client_secret,
}


@dataclass
class Laboratory:
    """`now` is every channel's time until it is moved; `sent` has each webhook as (channel, topic, body)."""

    seed: int = 7
    now: datetime = START
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.simulation = Simulation(CREDENTIALS, EVENTS, seed=self.seed, clock=lambda: self.now)
        self.simulation.world.on_change = self._keep
        self.client: FlaskClient = create_app(self.simulation).test_client()

    def _keep(self, order: Order, change: Change) -> None:
        if order.channel in EVENTS:
            for topic, document in EVENTS[order.channel](order, change):
                self.sent.append((order.channel, topic, orjson.dumps(document)))

    def make(self, channel: ChannelName, count: int, *, seconds: float = 1.0) -> list[Order]:
        """So many orders, each `seconds` after the one before."""
        made = []
        for _ in range(count):
            made.append(self.simulation.world.make_order(channel))
            self.now += timedelta(seconds=seconds)
        return made

    def finish(self, order: Order) -> None:
        """Live the order's life to its end."""
        while self.simulation.world.advance_order(order):
            self.now += timedelta(seconds=1)

    def control(self, path: str, **body: Any) -> Any:
        answer = self.client.post(f"/control/{path}", json=body, headers=CONTROL)
        assert answer.status_code in (200, 201, 204), answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    def ask_oracle(self) -> Mapping[str, Any]:
        document = self.client.get("/control/oracle", headers=CONTROL).get_json()
        assert isinstance(document, dict)
        return document

    def fetch_token(self) -> dict[str, str]:
        answer = self.client.post("/auth/o2/token", data=GRANT).get_json()
        return {"x-amz-access-token": answer["access_token"]}


@contextmanager
def serve(laboratory: Laboratory, timeout_s: float) -> Iterator[dict[str, str]]:
    """Serve the laboratory's APIs in a thread; yields the settings with which clients find them."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, laboratory.client.application, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]  # of socketserver's mix-in
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    place = f"127.0.0.1:{server.server_port}"
    yield {
        "SHOPIFY_API_URL": f"http://{place}",
        "SHOPIFY_API_TOKEN": CREDENTIALS.shopify_api_token,
        "WOOCOMMERCE_API_URL": f"http://{place}",
        "WOOCOMMERCE_API_KEY": CREDENTIALS.woocommerce_api_key,
        "WOOCOMMERCE_API_SECRET": CREDENTIALS.woocommerce_api_secret,
        "AMAZON_API_URL": f"http://{place}",
        "AMAZON_TOKEN_URL": f"http://{place}/auth/o2/token",
        "AMAZON_CLIENT_ID": CREDENTIALS.amazon_client_id,
        "AMAZON_CLIENT_SECRET": CREDENTIALS.amazon_client_secret,
        "AMAZON_REFRESH_TOKEN": CREDENTIALS.amazon_refresh_token,
        "AMAZON_MARKETPLACE_IDS": "ATVPDKIKX0DER",
        "STANDARD_PUSH_URL": f"http://{place}/standard/inbound",
        "STANDARD_PUSH_SECRET": CREDENTIALS.standard_push_secret,
        "OUTBOUND_ALLOW": place,
        "OUTBOUND_TIMEOUT_S": str(timeout_s),
    }
    laboratory.simulation.misbehaviour.ended.set()
    server.shutdown()
    server.server_close()
    thread.join(5)
