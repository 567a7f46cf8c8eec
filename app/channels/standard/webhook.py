"""Standard Webhooks: https://www.standardwebhooks.com, with secrets of the form `whsec_<base64>`."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.channels import reading, signing
from app.channels.base import Delivery, Headers
from app.errors import BadSignature, ConfigError, PayloadError

TOLERANCE_S = 300  # the specification's reference libraries allow five minutes either way

_SECONDS = re.compile(r"[0-9]{1,12}")


class Standard:
    content_types: tuple[str, ...] = ("application/json",)

    def is_ping(self, headers: Headers, body: bytes) -> bool:
        """Never: the specification has no connection test."""
        return False

    def verify(self, headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> Delivery:
        webhook_id = headers.get("webhook-id") or ""
        timestamp = headers.get("webhook-timestamp") or ""
        if not webhook_id or not _SECONDS.fullmatch(timestamp):
            raise BadSignature("The header webhook-id or webhook-timestamp is missing or not well-formed.")
        if abs(now - int(timestamp)) > TOLERANCE_S:
            raise BadSignature(f"The header webhook-timestamp is more than {TOLERANCE_S} s away from our clock.")
        versions = (value.partition(",") for value in (headers.get("webhook-signature") or "").split(" "))
        given = [signature for version, _, signature in versions if version == "v1"]
        keys = [decode_secret(secret) for secret in secrets]
        signing.check_signature(given, _signed_content(webhook_id, timestamp, body), keys)
        signing.check_label(webhook_id, "The header webhook-id")
        return Delivery(webhook_id, _read_type(signing.load_object(body)))

    def sign(self, body: bytes, secret: str, topic: str, delivery_id: str, now: float) -> Mapping[str, str]:
        """As the protocol says; `topic` has no header here, it is the payload's own `type`."""
        timestamp = str(int(now))
        content = _signed_content(delivery_id, timestamp, body)
        return {
            "Content-Type": "application/json",
            "webhook-id": delivery_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{signing.sign_bytes(content, decode_secret(secret)).decode()}",
        }

    def choose_topic(self, body: bytes) -> str:
        return _read_type(signing.load_object(body))

    def renumber(self, body: bytes, number: int) -> bytes:
        def change(document: dict[str, Any]) -> None:
            data = document.get("data")
            if not isinstance(data, dict):
                raise PayloadError("data is not an object")
            data["external_id"] = str(number)
            if "order_external_id" in data:
                data["order_external_id"] = str(number)
            else:
                data["number"] = str(number)

        return reading.rewrite(body, change)


@lru_cache(maxsize=32)
def decode_secret(secret: str) -> bytes:
    """The key in `whsec_<base64>`. Raises ConfigError."""
    text = secret.removeprefix("whsec_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigError(
            "A secret of the channel standard is not whsec_ and base64. "
            'Make one with: echo "whsec_$(openssl rand -base64 32)"'
        )
    return key


def _signed_content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{webhook_id}.{timestamp}.".encode("utf-8", "replace") + body


def _read_type(document: dict[str, Any]) -> str:
    """The payload's `type` for the record of the delivery; a payload without one fails later, and is kept."""
    kind = document.get("type")
    return signing.check_label(kind, "The type of the payload") if isinstance(kind, str) else "untyped"
