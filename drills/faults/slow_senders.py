"""Very many senders begin a delivery and do not end it, as slowloris does: sessions of HAProxy and API run out."""

from __future__ import annotations

from drills.senders import keep_connections
from drills.stand import Stand

EXPECT = ("HaproxySessionsNearLimit", "PalmonasApiBusy")
DETECT_S = 90.0
RESOLVE_S = 180.0
MAY = {
    "HaproxyQueue": "who comes when all sessions are taken waits",
    "PalmonasApiOverloaded": "or is refused",
    "PalmonasApiDown": "on the drill's clock a scrape has 1.5 s, and not 10, beside so many senders on a busy machine",
}
SENDERS = 1760  # of 2,000 that the front door takes
BEGIN = (
    b"POST /webhooks/shopify HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
)


def inject(stand: Stand) -> None:
    keep_connections(stand, stand.layout.port, SENDERS, BEGIN)


def heal(stand: Stand) -> None:
    stand.undo.close()
