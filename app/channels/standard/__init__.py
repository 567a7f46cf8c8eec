"""Standard Webhooks with our own payload, in and out: for any shop that can learn it."""

from app.channels.base import Api, Channel
from app.channels.standard.client import STATUSES, StandardClient
from app.channels.standard.parse import parse
from app.channels.standard.webhook import Standard

CHANNEL = Channel(
    parse,
    Standard(),
    Api(
        needed=("PUSH_URL", "PUSH_SECRET"),
        operations=("push",),
        pushes=frozenset(STATUSES),
        make=lambda door, settings: StandardClient(door, settings["PUSH_SECRET"]),
    ),
)
