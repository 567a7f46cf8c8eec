"""Connections that are opened and kept, as by senders that begin a request and do not end it."""

from __future__ import annotations

import socket
import time
from collections import deque

from drills.background import repeat
from drills.stand import Stand

KEPT_S = 8.0  # the API gives up on a body after ten
AT_ONCE = 50  # connections that are opened between two looks


def keep_connections(stand: Stand, port: int, count: int, begin: bytes) -> None:
    """Keep `count` connections to `port` of 127.0.0.1 open, each with `begin` sent, until the drill is undone."""
    opened: deque[tuple[float, socket.socket]] = deque()

    def renew() -> None:
        while opened and time.monotonic() - opened[0][0] > KEPT_S:
            opened.popleft()[1].close()
        for _ in range(min(AT_ONCE, count - len(opened))):
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
            opened.append((time.monotonic(), one))
            one.sendall(begin)

    def close_all() -> None:
        for _, one in opened:
            one.close()

    stand.undo.callback(close_all)
    repeat(stand, renew, pause_s=0.05)
