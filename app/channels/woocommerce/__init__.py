"""WooCommerce: webhooks, polled orders, and their status."""

from app.channels.base import Api, Channel
from app.channels.woocommerce.client import WORDS, WooCommerceClient
from app.channels.woocommerce.parse import parse
from app.channels.woocommerce.webhook import WooCommerce

CHANNEL = Channel(
    parse,
    WooCommerce(),
    Api(
        needed=("API_URL", "API_KEY", "API_SECRET"),
        operations=("list_orders", "read_order", "push"),
        pushes=frozenset(WORDS),
        make=lambda door, settings: WooCommerceClient(door, settings["API_KEY"], settings["API_SECRET"]),
    ),
)
