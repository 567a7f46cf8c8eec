"""A line with latency: a relay on a free port of loopback that holds back everything that is sent."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from drills.stand import Stand


def open_slow_line(stand: Stand, port: int, delay_s: float) -> int:
    """A port of 127.0.0.1 that leads to `port`, and holds back each request by `delay_s` until the drill is undone."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    ends: list[socket.socket] = [listener]

    def take() -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
                far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ends.extend((near, far))
                threading.Thread(target=_carry, args=(near, far, delay_s), daemon=True).start()
                threading.Thread(target=_carry, args=(far, near, 0.0), daemon=True).start()

    def close() -> None:
        for end in ends:
            with suppress(OSError):  # closed by the other side before
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    stand.undo.callback(close)
    threading.Thread(target=take, daemon=True).start()
    made: int = listener.getsockname()[1]
    return made


def _carry(source: socket.socket, sink: socket.socket, delay_s: float) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            time.sleep(delay_s)
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
