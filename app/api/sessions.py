"""Sessions of people, in Redis: small JSON under the hash of a random id that only the browser has.

Redis is disposable: when it is emptied people log in again, when it is away sessions are answered 503, and API
tokens go on working.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from pydantic import BaseModel, ValidationError

from app.config import Config
from app.errors import SessionsUnavailable
from app.queue import connect

COOKIE = "__Host-palmonas"
ANSWER_S = 1.0  # longest wait for Redis in a login, or with a session
CONNECTIONS = 5

_PREFIX = "palmonas:session:"
_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class _Stored(BaseModel):
    """What Redis holds. `expires` is in seconds since 1970."""

    user: int
    generation: int
    csrf: str
    expires: float


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended. Times are seconds since 1970; `csrf` is what a change must bring along."""

    key: str
    user_id: int
    generation: int
    csrf: str
    expires_at: float
    idle_expires_at: float


@contextmanager
def redis_deadline() -> Iterator[None]:
    """Raises SessionsUnavailable when Redis does not answer in time."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise SessionsUnavailable(
            "Redis, which holds the sessions, does not answer; try again, or use an API token"
        ) from error


class Sessions:
    """The sessions of all users. `idle_s`, `absolute_s`: seconds without a request, and since the login."""

    def __init__(self, client: redis.Redis, *, idle_s: float, absolute_s: float) -> None:
        self.client = client
        self._idle_s = idle_s
        self._absolute_s = absolute_s

    def start(self, user_id: int, generation: int) -> tuple[str, Session]:
        """A new session under a new id, which is returned and kept nowhere. Raises SessionsUnavailable."""
        session_id = secrets.token_urlsafe(32)
        now = time.time()
        stored = _Stored(
            user=user_id, generation=generation, csrf=secrets.token_urlsafe(32), expires=now + self._absolute_s
        )
        key = _make_key(session_id)
        with redis_deadline():
            self.client.set(key, stored.model_dump_json(), px=self._count_idle())
        return session_id, self._make(key, stored, now)

    def read(self, session_id: str, *, touch: bool = True) -> Session | None:
        """The session of this id; None when it ended or never was. Reading starts its idle time anew, if `touch`.

        Raises SessionsUnavailable.
        """
        if not _ID.fullmatch(session_id):
            return None
        key = _make_key(session_id)
        with redis_deadline():
            found = self.client.getex(key, px=self._count_idle()) if touch else self.client.get(key)
        if found is None:
            return None
        try:
            stored = _Stored.model_validate_json(found)
        except ValidationError:
            return None
        now = time.time()
        if now >= stored.expires:
            return None
        return self._make(key, stored, now)

    def end(self, session: Session) -> None:
        """Raises SessionsUnavailable."""
        with redis_deadline():
            self.client.delete(session.key)

    def _count_idle(self) -> int:
        return int(min(self._idle_s, self._absolute_s) * 1000)

    def _make(self, key: str, stored: _Stored, now: float) -> Session:
        idle_until = min(now + self._idle_s, stored.expires)
        return Session(key, stored.user, stored.generation, stored.csrf, stored.expires, idle_until)


def _make_key(session_id: str) -> str:
    """Whoever reads Redis finds no id that a browser could use."""
    return _PREFIX + hashlib.sha256(session_id.encode()).hexdigest()


def open_sessions(config: Config) -> Sessions:
    """On connections of their own: a queue that is rung without end must not keep people out."""
    client = connect(
        config.redis_place,
        name="redis-sessions",
        size=CONNECTIONS,
        timeout_s=ANSWER_S,
        connect_timeout_s=min(ANSWER_S, config.connect_timeout_s),
    )
    return Sessions(client, idle_s=config.session_idle_s, absolute_s=config.session_max_s)
