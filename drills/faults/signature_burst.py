"""Somebody sends deliveries to one channel that are signed with a wrong secret."""

from __future__ import annotations

import requests

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("DeliverySignaturesFailing",)
HEADERS = {"X-Shopify-Topic": "orders/create", "X-Shopify-Hmac-Sha256": "d3Jvbmc=", "X-Shopify-Webhook-Id": "drill"}


def inject(stand: Stand) -> None:
    url = f"{stand.layout.base_url}/webhooks/shopify"
    repeat(stand, lambda: requests.post(url, json={"id": 1}, headers=HEADERS, timeout=10), pause_s=0.1)


def heal(stand: Stand) -> None:
    stand.undo.close()
