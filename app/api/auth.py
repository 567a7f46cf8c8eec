"""Who asks: a session by cookie, or an API token, as Bearer everywhere and as HTTP Basic's password on pages."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request

from app.api.policy import Operation, current_operation
from app.api.services import services
from app.api.sessions import COOKIE, Session
from app.errors import Forbidden, Unauthorized, Unavailable
from app.store.tokens import ROLES, Role, find_token
from app.store.users import User, find_user

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REALM = "palmonas"
ANONYMOUS = "anonymous"
CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `actor`, `token:<name>` or `user:<id>`, stands in events, logs and the audit log.

    `session` and `user` are None for a token.
    """

    actor: str
    role: Role
    session: Session | None = None
    user: User | None = None


def enforce_policy() -> None:
    """Before every request. Raises Unauthorized, Forbidden; Unavailable when store or Redis cannot say."""
    operation = current_operation()
    if operation is None or not operation.needs_token:
        return
    caller = _find_caller(operation, touch=not operation.passive)
    if ROLES.index(caller.role) < ROLES.index(operation.policy):
        raise Forbidden(f"this needs the role {operation.policy}; yours is {caller.role}")
    g.caller = caller


def may_go_on() -> bool:
    """For an answer that goes on for long: False once its token was revoked, or its session has ended.

    True while nobody can say: what goes on has an end of its own. Does not keep a session alive.
    """
    operation = current_operation()
    assert operation is not None
    try:
        caller = _find_caller(operation, touch=False)
    except Unauthorized:
        return False
    except Unavailable:
        return True
    return ROLES.index(caller.role) >= ROLES.index(operation.policy)


def current_caller() -> Caller:
    """Who makes this request; only in routes that need to know."""
    caller: Caller = g.caller
    return caller


def current_actor() -> str:
    """Who did it, for events and logs; on a public route nobody in particular."""
    caller: Caller | None = g.get("caller")
    return caller.actor if caller else ANONYMOUS


def make_caller(user: User, session: Session | None) -> Caller:
    return Caller(f"user:{user.id}", user.role, session, user)


def name_challenge() -> str:
    """The WWW-Authenticate of a 401 here: Basic only where a browser should ask its user.

    Not for what a page's script asks: once the session has ended the browser would ask for a password at each question.
    """
    operation = current_operation()
    asks = operation is not None and operation.browser
    navigates = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"  # older browsers do not say
    return f'{"Basic" if asks and navigates else "Bearer"} realm="{REALM}"'


def find_session(*, touch: bool) -> tuple[Session, User] | None:
    """The session that this request's cookie names, if it is good. Raises Unavailable."""
    sessions = services().sessions
    session_id = request.cookies.get(COOKIE)
    if sessions is None or not session_id:
        return None
    session = sessions.read(session_id, touch=touch)
    user = find_user(services().pool, session.user_id, session.generation) if session else None
    return (session, user) if session and user else None


def refuse_other_sites() -> None:
    """Raises Forbidden when a browser sent this for a page of another site.

    Every browser of this decade names the site with what another site makes it send; other clients name none.
    """
    if ("Sec-Fetch-Site" in request.headers or "Origin" in request.headers) and not _is_same_origin():
        raise Forbidden("this request came from another site")


def _find_caller(operation: Operation, *, touch: bool) -> Caller:
    given = request.authorization
    token = None
    if given is not None and given.type == "bearer":
        token = given.token
    elif given is not None and given.type == "basic" and operation.browser:
        # A browser sends Basic credentials by itself, also with what another site makes it send.
        _check_site()
        token = given.password
    if token:
        return _find_token(token)
    found = find_session(touch=touch)
    if found is None:
        raise Unauthorized("log in, or send an API token: Authorization: Bearer plm_...")
    session, user = found
    _check_site()
    _check_csrf(operation, session)
    return make_caller(user, session)


def _find_token(token: str) -> Caller:
    found = find_token(services().pool, token)
    if found is None:
        raise Unauthorized("this token is not known or was revoked")
    return Caller(f"token:{found.name}", found.role)


def _check_site() -> None:
    if request.method not in SAFE_METHODS and not _is_same_origin():
        raise Forbidden("this request came from another site")


def _check_csrf(operation: Operation, session: Session) -> None:
    if request.method in SAFE_METHODS or operation.read_only:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Forbidden(f"{CSRF_HEADER} is missing or wrong; it is `csrf` of GET /session")


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    # The scheme is not compared: TLS may end in front of us.
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
