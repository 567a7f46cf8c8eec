"""The secrets of webhooks, and how one is made where the operator gives none."""

from __future__ import annotations

import base64
import secrets

from app.channel_settings import BY_CHANNEL, SECRETS
from app.config import CHANNEL_NAMES

WEBHOOK_SECRETS = tuple(BY_CHANNEL[name][SECRETS].name for name in CHANNEL_NAMES)


def make_secret(name: str) -> str:
    """A random secret in the form that the setting `name` takes (Standard Webhooks has a form of its own)."""
    if name.startswith("STANDARD_"):
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_hex(32)
