"""Sales channels: one folder each, found by looking. docs/channels.md says how to add one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.resources import files

from app.channels.base import Channel, Webhook
from app.config import ALL_CHANNELS

CHANNELS: dict[str, Channel] = {name: import_module(f"{__name__}.{name}").CHANNEL for name in ALL_CHANNELS}
WEBHOOKS: dict[str, Webhook] = {name: channel.webhook for name, channel in CHANNELS.items() if channel.webhook}


def check_secrets(channel_secrets: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError when a channel cannot sign with one of its secrets; call it when a process starts."""
    for name, secrets in channel_secrets.items():
        for secret in secrets:
            WEBHOOKS[name].sign(b"{}", secret, "check", "check", 0)


def sample(name: str) -> bytes:
    """A realistic delivery of the channel `name`: an order, to be renumbered and signed for demo and load."""
    return (files(__name__) / name / "sample.json").read_bytes()
