"""The clients of the channels whose API is configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from app.channel_settings import BY_CHANNEL
from app.channels import CHANNELS
from app.channels.base import Api, Client
from app.config import PREFIX, Config
from app.errors import ConfigError
from app.outbound.door import Door


def make_clients(config: Config, called: Callable[[], None] = lambda: None) -> dict[str, Client]:
    """One client for each channel whose address is set. Make them once per process: they hold circuit breakers,
    paces and tokens. `called` is called after each of their calls. Raises ConfigError when a credential is missing or
    an address may not be called.
    """
    return {name: _make_client(name, api, settings, config, called) for name, api, settings in _list_configured(config)}


def list_pushes(config: Config) -> dict[str, frozenset[str]]:
    """Channels whose address is set, and which of our statuses each has a word for; opens nothing."""
    return {name: api.pushes for name, api, _ in _list_configured(config)}


def list_addresses(config: Config) -> dict[str, str]:
    """The API addresses of channels whose address is set."""
    return {name: settings[api.needed[0]] for name, api, settings in _list_configured(config)}


def _list_configured(config: Config) -> Iterator[tuple[str, Api, dict[str, Any]]]:
    for name, channel in CHANNELS.items():
        if channel.api is not None:
            settings = config.read_channel(name)
            if settings[channel.api.needed[0]]:
                yield name, channel.api, settings


def _make_client(
    channel: str, api: Api, settings: dict[str, Any], config: Config, called: Callable[[], None]
) -> Client:
    address, *others = api.needed
    missing = [PREFIX + BY_CHANNEL[channel][name].name for name in others if not settings[name]]
    if missing:
        switch = PREFIX + BY_CHANNEL[channel][address].name
        raise ConfigError(f"{switch} is set, so {missing[0]} must be set, too (or {missing[0]}_FILE)")
    door = Door(
        channel,
        settings[address],
        allow=frozenset(config.outbound_allow),
        timeout_s=config.outbound_timeout_s,
        operations=api.operations,
        called=called,
    )
    return api.make(door, settings)
