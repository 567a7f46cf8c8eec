"""Logins whose bodies never end: each open request gets one more byte every two seconds, until it is told 408."""

from __future__ import annotations

import socket
from contextlib import suppress

from drills.background import repeat
from drills.stand import Stand

PAUSE_S = 2.0  # HAProxy ends a client's connection after 15 s of silence
CONNECT_DEADLINE_S = 5.0
BODY = 60_000  # bytes announced; the console takes 64 KiB


def trickle_logins(stand: Stand, senders: int) -> None:
    """Keep so many logins open through the front door until the drill is undone. No body is whole: the store rests."""
    head = (
        f"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {BODY}\r\n\r\n"
    ).encode("ascii")
    opened: list[socket.socket] = []

    def feed() -> None:
        for one in list(opened):
            try:
                one.sendall(b" ")
                one.setblocking(False)
                with suppress(BlockingIOError):
                    one.recv(4096)  # an answer: this request is over
                    raise ConnectionResetError
            except OSError:
                one.close()
                opened.remove(one)
            else:
                one.settimeout(CONNECT_DEADLINE_S)
        while len(opened) < senders:
            one = socket.create_connection(("127.0.0.1", stand.layout.port), CONNECT_DEADLINE_S)
            opened.append(one)
            one.sendall(head)

    def close_all() -> None:
        for one in opened:
            one.close()

    stand.undo.callback(close_all)
    repeat(stand, feed, pause_s=PAUSE_S)
