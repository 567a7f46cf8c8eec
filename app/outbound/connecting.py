"""A TCP connection to an address that has been looked at, within a deadline."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

from app.outbound.addresses import is_public

Found = tuple[int, tuple[Any, ...]]  # address family, socket address


class AddressRefused(OSError):
    """Every address of the host is one that must not be called."""


class Deadline:
    """A point in time by the monotonic clock, `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        self.check()
        return max(self._end - time.monotonic(), 0.001)

    def check(self) -> None:
        """Raises TimeoutError when there is no time left."""
        if self.passed:
            raise TimeoutError("the deadline has passed")

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._end


class CutOff:
    """Cuts a connection at its deadline, whatever a peer does that sends a byte now and then.

    A socket's own timeout starts anew with each byte. The cut is made on a duplicate of the descriptor, because
    TLS takes the first one away from the socket it wraps.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._timer = threading.Timer(deadline.left_s, self._cut)
        self._handle = connection.dup()
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        try:
            self._handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # gone already

    def close(self) -> None:
        """Call off the cut; waits for one that is under way, so that no descriptor is closed under it."""
        self._timer.cancel()
        self._timer.join()
        self._handle.close()


def resolve(host: str, port: int, deadline: Deadline) -> list[Found]:
    """The addresses of `host`, in the resolver's order. Raises OSError; TimeoutError when it takes too long.

    In a thread of its own: the C library's resolver takes no deadline.
    """
    answers: list[list[Found] | OSError] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            answers.append([(family, address) for family, _, _, _, address in found])
        except (OSError, UnicodeError) as error:
            answers.append(error if isinstance(error, OSError) else OSError("not a host name"))

    thread = threading.Thread(target=ask, name="resolve", daemon=True)
    thread.start()
    thread.join(deadline.left_s)
    if not answers:
        raise TimeoutError("the name was not resolved in time")
    if isinstance(answers[0], OSError):
        raise answers[0]
    return answers[0]


def connect(host: str, port: int, deadline: Deadline, *, allow_private: bool) -> socket.socket:
    """A connected socket. Raises AddressRefused, TimeoutError, or another OSError.

    The name is resolved once, and what is connected to is the very address that was checked: a name that
    resolves differently a moment later gains nothing.
    """
    found = resolve(host, port, deadline)
    open_ones = [one for one in found if allow_private or is_public(str(one[1][0]))]
    if not open_ones:
        raise AddressRefused("no public address")
    failure: OSError = OSError("no address")
    for place, (family, address) in enumerate(open_ones):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            # a fair share each, so that one address that swallows packets leaves time for the next
            connection.settimeout(deadline.left_s / (len(open_ones) - place))
            connection.connect(address)
            if not allow_private and not is_public(str(connection.getpeername()[0])):
                raise AddressRefused("the peer has no public address")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure
