"""Signed deliveries over real HTTP, as the channels would send them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import requests

from app.channels import WEBHOOKS

PAYLOADS = Path(__file__).parent / "payloads"
TOPICS = {"shopify": "orders/create", "woocommerce": "order.created", "standard": "order.created"}
TIMEOUT_S = 15


@dataclass(frozen=True)
class Sender:
    """One channel's sender towards one API instance."""

    port: int
    channel: str
    secret: str

    def send(
        self, body: bytes, delivery_id: str, topic: str = "", session: requests.Session | None = None, **headers: str
    ) -> requests.Response:
        """One signed delivery; `headers` with underscores for dashes replace or add some."""
        topic = topic or TOPICS[self.channel]
        signed = dict(WEBHOOKS[self.channel].sign(body, self.secret, topic, delivery_id, time.time()))
        signed["Content-Type"] = "application/json"
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        poster = session or requests
        return poster.post(
            f"http://127.0.0.1:{self.port}/webhooks/{self.channel}", data=body, headers=signed, timeout=TIMEOUT_S
        )


def read_payload(channel: str, name: str = "order") -> bytes:
    return (PAYLOADS / channel / f"{name}.json").read_bytes()
