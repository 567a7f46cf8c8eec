"""Shopify: webhooks, polled orders, fulfilments and cancellations."""

from app.channels.base import Api, Channel
from app.channels.shopify.client import ShopifyClient
from app.channels.shopify.parse import parse
from app.channels.shopify.webhook import Shopify

CHANNEL = Channel(
    parse,
    Shopify(),
    Api(
        needed=("API_URL", "API_TOKEN"),
        operations=("list_orders", "read_order", "push"),
        pushes=frozenset({"shipped", "cancelled"}),
        make=lambda door, settings: ShopifyClient(door, settings["API_TOKEN"]),
    ),
)
