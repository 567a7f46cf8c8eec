"""Tries to log in, counted by account and by address, in Redis.

Where somebody logged in before, their tries are counted apart: strangers who try an account without end do not keep
its owner out of the places that the owner comes from.
"""

from __future__ import annotations

import hashlib
import ipaddress

import redis

from app.api.sessions import redis_deadline
from app.errors import TooManyRequests

_PREFIX = "palmonas:login:"
KNOWN_S = 30 * 86400  # from the last login


class Throttled(TooManyRequests):
    """`first`: nobody was told so before in this window."""

    def __init__(self, retry_after_s: int, *, first: bool) -> None:
        super().__init__(f"too many tries to log in; wait {retry_after_s} seconds, then try again", retry_after_s)
        self.first = first


class Throttle:
    """At most `per_account` and `per_address` tries in a window of `window_s` seconds from the first one."""

    def __init__(self, *, window_s: int, per_account: int, per_address: int) -> None:
        self._window_s = window_s
        self._limits = (per_account, per_address)

    def take(self, client: redis.Redis, email: str, address: str | None) -> None:
        """Count a try before it is made, so that many at once are no way around.

        Raises Throttled, SessionsUnavailable.
        """
        known = _name_known(email, address)
        with redis_deadline(), client.pipeline(transaction=True) as pipeline:
            account_key = f"{known}:tries" if client.exists(known) else _name_account(email)
            for key in (account_key, _name_address(address)):
                pipeline.set(key, 0, ex=self._window_s, nx=True)
                pipeline.incr(key)
                pipeline.ttl(key)
            _, account, account_s, _, place, place_s = pipeline.execute()
        for count, seconds, limit in zip((account, place), (account_s, place_s), self._limits, strict=True):
            if count > limit:
                raise Throttled(seconds + 1, first=count == limit + 1)

    def forgive(self, client: redis.Redis, email: str, address: str | None) -> None:
        """The account's password was right: its count begins anew, and the address is known.

        Raises SessionsUnavailable.
        """
        known = _name_known(email, address)
        with redis_deadline(), client.pipeline(transaction=True) as pipeline:
            pipeline.delete(_name_account(email), f"{known}:tries")
            pipeline.set(known, 1, ex=KNOWN_S)
            pipeline.execute()


def _name_account(email: str) -> str:
    """Also for accounts that do not exist: nobody can tell by it which ones do. No address is readable in Redis."""
    return f"{_PREFIX}account:{hashlib.sha256(email.strip().lower().encode()).hexdigest()}"


def _name_known(email: str, address: str | None) -> str:
    """Of an account at an address; neither is readable in Redis."""
    return f"{_PREFIX}known:{hashlib.sha256((_name_account(email) + _name_address(address)).encode()).hexdigest()}"


def _name_address(address: str | None) -> str:
    """An IPv6 sender has at least a /64 to choose from."""
    found = ipaddress.ip_address(address) if address else None
    if found is not None and found.version == 6:
        return f"{_PREFIX}address:{ipaddress.ip_network((found, 64), strict=False)}"
    return f"{_PREFIX}address:{found}"
