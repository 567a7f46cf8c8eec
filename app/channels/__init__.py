"""Sales channels: one module each. `CHANNELS` is the whole list; adding one is a module and an entry here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

from app.channels.base import Channel
from app.channels.shopify import Shopify
from app.channels.standard import Standard
from app.channels.woocommerce import WooCommerce

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (Shopify(), WooCommerce(), Standard())}


def check_secrets(channel_secrets: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError when a channel cannot sign with one of its secrets; call it when a process starts."""
    for name, secrets in channel_secrets.items():
        for secret in secrets:
            CHANNELS[name].sign(b"{}", secret, "check", "check", 0)


def sample(name: str) -> bytes:
    """A realistic order of the channel `name`, to be renumbered and signed: for demo and load."""
    return (files(__name__) / "samples" / f"{name}.json").read_bytes()
