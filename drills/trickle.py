"""Logins whose bodies never end: each open request gets one more byte every two seconds, until it is told 408."""

from __future__ import annotations

import itertools
import socket
from contextlib import suppress

from drills.background import repeat
from drills.stand import Stand

STEP_S = 0.1
BYTE_EVERY = 20  # steps; HAProxy ends a client's connection after 15 s of silence
# Opened one after the other, and so answered one after the other: what queues waits for a moment. Within less than the
# ten seconds after which each ends.
STEPS_TO_FILL = 50
CONNECT_DEADLINE_S = 5.0
BODY = 60_000  # bytes announced; the console takes 64 KiB
HEAD = (
    f"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {BODY}\r\n\r\n"
).encode("ascii")


def trickle_logins(stand: Stand, senders: int) -> None:
    """Keep so many logins open through the front door until the drill is undone. No body is whole: the store rests."""
    opened: list[socket.socket] = []
    steps = itertools.count()

    def is_over(one: socket.socket) -> bool:
        with suppress(BlockingIOError):
            one.recv(4096)  # an answer, or the end
            return True
        return False

    def feed() -> None:
        step = next(steps)
        for number, one in enumerate(list(opened)):
            try:
                if is_over(one):
                    raise ConnectionResetError
                if number % BYTE_EVERY == step % BYTE_EVERY:
                    one.sendall(b" ")
            except OSError:
                one.close()
                opened.remove(one)
        for _ in range(min(senders - len(opened), senders // STEPS_TO_FILL)):
            one = socket.create_connection(("127.0.0.1", stand.layout.port), CONNECT_DEADLINE_S)
            opened.append(one)
            one.sendall(HEAD)
            one.setblocking(False)

    def close_all() -> None:
        for one in opened:
            one.close()

    stand.undo.callback(close_all)
    repeat(stand, feed, pause_s=STEP_S)
