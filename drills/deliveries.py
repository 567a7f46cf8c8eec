"""Signed deliveries of a drill's own, beside the load's."""

from __future__ import annotations

import itertools
import time
import uuid

import requests

from app.channels import WEBHOOKS, sample
from drills.stand import Stand

CHANNEL = "shopify"
NUMBERS = itertools.count(int(time.time() * 1000))
SEND_DEADLINE_S = 15.0


def deliver(stand: Stand, body: bytes = b"", prefix: str = "") -> requests.Response:
    """Send `body`, or a new order, signed as Shopify would. Raises requests.RequestException.

    The id of the delivery begins with `prefix`, for faults that are meant for it alone.
    """
    body = body or WEBHOOKS[CHANNEL].renumber(sample(CHANNEL), next(NUMBERS))
    secret = (stand.layout.secrets / f"{CHANNEL}_secrets").read_text(encoding="ascii").split()[0]
    headers = WEBHOOKS[CHANNEL].sign(body, secret, "orders/create", f"{prefix}{uuid.uuid4()}", time.time())
    url = f"{stand.layout.base_url}/webhooks/{CHANNEL}"
    return requests.post(url, data=body, headers=headers, timeout=SEND_DEADLINE_S)
