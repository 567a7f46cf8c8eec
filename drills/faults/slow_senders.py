"""Very many senders begin a delivery and do not end it, as slowloris does: sessions of HAProxy and API run out."""

from __future__ import annotations

import socket
import time
from collections import deque

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("HaproxySessionsNearLimit", "PalmonasApiBusy")
DETECT_S = 90.0
MAY = {"HaproxyQueue": "who comes when all sessions are taken waits", "PalmonasApiOverloaded": "or is refused"}
SENDERS = 1760  # of 2,000 that the front door takes
KEPT_S = 8.0  # the API gives up on a body after ten
BEGIN = (
    b"POST /webhooks/shopify HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
)


def inject(stand: Stand) -> None:
    address = ("127.0.0.1", stand.layout.port)
    opened: deque[tuple[float, socket.socket]] = deque()

    def renew() -> None:
        while opened and time.monotonic() - opened[0][0] > KEPT_S:
            opened.popleft()[1].close()
        for _ in range(min(50, SENDERS - len(opened))):
            one = socket.create_connection(address, timeout=5)
            opened.append((time.monotonic(), one))
            one.sendall(BEGIN)

    def close_all() -> None:
        for _, one in opened:
            one.close()

    stand.undo.callback(close_all)
    repeat(stand, renew, pause_s=0.05)


def heal(stand: Stand) -> None:
    stand.undo.close()
