"""Amazon: polled, never a webhook; shipments are confirmed."""

from app.channels.amazon.client import AmazonClient
from app.channels.amazon.parse import parse
from app.channels.base import Api, Channel

CHANNEL = Channel(
    parse,
    api=Api(
        needed=("API_URL", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "MARKETPLACE_IDS"),
        operations=("token", "list_orders", "list_items", "read_order", "push"),
        pushes=frozenset({"shipped"}),  # orders v0 has no way to cancel
        make=lambda door, settings: AmazonClient(
            door,
            token_url=settings["TOKEN_URL"],
            client_id=settings["CLIENT_ID"],
            client_secret=settings["CLIENT_SECRET"],
            refresh_token=settings["REFRESH_TOKEN"],
            marketplace_ids=settings["MARKETPLACE_IDS"],
        ),
    ),
)
