"""/session: logging in and out by e-mail and password."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar, cast

import gevent
from flask import Flask, Response, g
from gevent.lock import BoundedSemaphore
from gevent.threadpool import ThreadPool

from app.api.answers import answer_json
from app.api.audit import describe, record
from app.api.auth import current_caller, find_session, make_caller, refuse_other_sites
from app.api.policy import add_route
from app.api.requests import client_address
from app.api.schemas import LoginBody, NoQuery, SessionAnswer, SessionUser
from app.api.services import Services, services
from app.api.sessions import COOKIE, Session, Sessions
from app.api.throttle import Throttle, Throttled
from app.errors import Forbidden, Overloaded, SessionsUnavailable, TooManyRequests, Unauthorized
from app.passwords import make_decoy, verify_password
from app.store.users import User, end_sessions, find_login

HASHERS = 2  # passwords at once, each 46 MiB and a core
WAITING = 20  # logins that may wait for one of them
HASH_DEADLINE_S = 5.0
REFUSED = "e-mail address or password is wrong, or this account is disabled"

Result = TypeVar("Result")


class Logins:
    """The views. Hashing is done in threads: the C code lets the GIL go, and the event loop serves others."""

    def __init__(self, made: Services) -> None:
        config = made.config
        self._throttle = Throttle(
            window_s=config.login_window_s,
            per_account=config.login_tries_account,
            per_address=config.login_tries_address,
        )
        self._threads = ThreadPool(HASHERS)
        self._places = BoundedSemaphore(HASHERS + WAITING)
        self._decoy: str | None = None

    def post_session(self, body: LoginBody) -> Response:
        refuse_other_sites()
        sessions = _get_sessions()
        try:
            self._throttle.take(sessions.client, body.email, client_address())
        except Throttled as error:
            if error.first:  # the audit log tells of it once; its own size has to stay bounded
                record("session.login", "session", "throttled")
            raise
        user = self._check_password(body.email, body.password)
        self._throttle.forgive(sessions.client, body.email, client_address())
        if (before := find_session(touch=False)) is not None:
            sessions.end(before[0])
        session_id, session = sessions.start(user.id, user.generation)
        g.caller = make_caller(user, session)
        record("session.login", f"user:{user.id}")
        response = answer_json(describe_session(session, user))
        response.set_cookie(COOKIE, session_id, path="/", secure=True, httponly=True, samesite="Lax")
        return response

    def _check_password(self, email: str, password: str) -> User:
        """The user. Raises Unauthorized, in one way and after the same work whatever was wrong."""
        found = find_login(services().pool, email)
        if self._decoy is None:
            self._decoy = self._run(make_decoy)
        stored = found[1] if found else self._decoy
        fits = self._run(lambda: verify_password(stored, password))
        if found is None or not fits:
            record("session.login", f"user:{found[0].id}" if found else "session", "refused")
            raise Unauthorized(REFUSED)
        return found[0]

    def _run(self, work: Callable[[], Result]) -> Result:
        """`work` in a thread. Raises Overloaded when too many wait, or its turn does not come in time."""
        if not self._places.acquire(blocking=False):
            raise Overloaded("too many people log in at once; try again")
        try:
            with gevent.Timeout(HASH_DEADLINE_S):
                return cast(Result, self._threads.spawn(work).get())
        except gevent.Timeout as error:
            raise Overloaded("the password could not be checked in time; try again") from error
        finally:
            self._places.release()


def register(app: Flask, made: Services) -> None:
    logins = Logins(made)

    def post_session(body: LoginBody) -> Response:
        return logins.post_session(body)

    add_route(
        app,
        "/session",
        post_session,
        methods=("POST",),
        policy="public",
        tag="session",
        summary="Log in; the answer sets the session's cookie",
        body=LoginBody,
        answers={200: SessionAnswer},
        answer_headers={"Set-Cookie": f"{COOKIE}: the session, for this browser only."},
        errors=(Unauthorized, Forbidden, TooManyRequests, SessionsUnavailable),
    )
    add_route(
        app,
        "/session",
        get_session,
        policy="viewer",
        tag="session",
        summary="Who is logged in, until when, and the token every change has to bring along",
        query=NoQuery,
        answers={200: SessionAnswer},
    )
    add_route(
        app,
        "/session",
        delete_session,
        methods=("DELETE",),
        policy="viewer",
        tag="session",
        summary="Log out",
        query=NoQuery,
        answers={204: None},
    )
    add_route(
        app,
        "/sessions",
        delete_sessions,
        methods=("DELETE",),
        policy="viewer",
        tag="session",
        summary="Log out everywhere: end all sessions of this user",
        query=NoQuery,
        answers={204: None},
    )


def get_session(query: NoQuery) -> Response:
    return answer_json(describe_session(*_require_session()))


def delete_session(query: NoQuery) -> Response:
    session, user = _require_session()
    record("session.logout", f"user:{user.id}")
    _get_sessions().end(session)
    return _forget_cookie()


def delete_sessions(query: NoQuery) -> Response:
    session, user = _require_session()
    end_sessions(services().pool, user.id, describe("session.logout_everywhere", f"user:{user.id}"))
    _get_sessions().end(session)
    return _forget_cookie()


def describe_session(session: Session, user: User) -> SessionAnswer:
    return SessionAnswer(
        user=SessionUser(id=user.id, email=user.email, role=user.role),
        csrf=session.csrf,
        idle_expires_at=datetime.fromtimestamp(session.idle_expires_at, UTC),
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
    )


def _require_session() -> tuple[Session, User]:
    caller = current_caller()
    if caller.session is None or caller.user is None:
        raise Unauthorized("this is about a session by cookie; an API token has none")
    return caller.session, caller.user


def _get_sessions() -> Sessions:
    sessions = services().sessions
    assert sessions is not None, "the role console has sessions"
    return sessions


def _forget_cookie() -> Response:
    response = Response(status=204)
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return response
