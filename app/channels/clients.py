"""The clients of the channels that are configured."""

from __future__ import annotations

from app.channels.amazon_client import AmazonClient
from app.channels.base import PUSHED, Client
from app.channels.shopify_client import ShopifyClient
from app.channels.standard_client import StandardClient
from app.channels.woocommerce_client import WooCommerceClient
from app.config import PREFIX, Config
from app.errors import ConfigError
from app.outbound.door import Door

# Channel -> the setting that switches its client on, and those it then needs.
NEEDED: dict[str, tuple[str, ...]] = {
    "shopify": ("SHOPIFY_API_URL", "SHOPIFY_API_TOKEN"),
    "woocommerce": ("WOOCOMMERCE_API_URL", "WOOCOMMERCE_API_KEY", "WOOCOMMERCE_API_SECRET"),
    "amazon": (
        "AMAZON_API_URL",
        "AMAZON_CLIENT_ID",
        "AMAZON_CLIENT_SECRET",
        "AMAZON_REFRESH_TOKEN",
        "AMAZON_MARKETPLACE_IDS",
    ),
    "standard": ("STANDARD_PUSH_URL", "STANDARD_PUSH_SECRET"),
}
OPERATIONS: dict[str, tuple[str, ...]] = {
    "shopify": ("list_orders", "read_order", "push"),
    "woocommerce": ("list_orders", "read_order", "push"),
    "amazon": ("token", "list_orders", "list_items", "read_order", "push"),
    "standard": ("push",),
}


def make_clients(config: Config) -> dict[str, Client]:
    """One client for each channel whose address is set. Make them once per process: they hold circuit breakers,
    paces and tokens. Raises ConfigError when a credential is missing or an address may not be called.
    """
    return {channel: _make_client(channel, config) for channel, names in NEEDED.items() if config.get(names[0])}


def _make_client(channel: str, config: Config) -> Client:
    needed = NEEDED[channel]
    missing = [name for name in needed if not config.get(name)]
    if missing:
        raise ConfigError(
            f"{PREFIX}{needed[0]} is set, so {PREFIX}{missing[0]} must be set, too (or {PREFIX}{missing[0]}_FILE)"
        )
    door = Door(
        channel,
        config.get(needed[0]),
        allow=frozenset(config.outbound_allow),
        timeout_s=config.outbound_timeout_s,
        operations=OPERATIONS[channel],
    )
    if channel == "shopify":
        return ShopifyClient(door, config.shopify_api_token)
    if channel == "woocommerce":
        return WooCommerceClient(door, config.woocommerce_api_key, config.woocommerce_api_secret)
    if channel == "standard":
        return StandardClient(door, config.standard_push_secret)
    return AmazonClient(
        door,
        token_url=config.amazon_token_url,
        client_id=config.amazon_client_id,
        client_secret=config.amazon_client_secret,
        refresh_token=config.amazon_refresh_token,
        marketplace_ids=config.amazon_marketplace_ids,
    )


def list_pushes(config: Config) -> dict[str, frozenset[str]]:
    """Channels whose address is set, and which of our statuses each has a word for; opens nothing."""
    return {channel: PUSHED[channel] for channel, names in NEEDED.items() if config.get(names[0])}
