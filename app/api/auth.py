"""Who asks: API tokens, as Bearer everywhere and as the password of HTTP Basic on pages for browsers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request

from app.api.policy import Operation, current_operation
from app.api.services import services
from app.errors import Forbidden, Unauthorized
from app.store.tokens import ROLES, Role, find_token

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REALM = "palmonas"
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `actor` is `token:<name>`, as it stands in events, logs and the audit log."""

    actor: str
    role: Role


def enforce_policy() -> None:
    """Before every request. Raises Unauthorized, Forbidden; Unavailable when the store cannot say."""
    operation = current_operation()
    if operation is None or not operation.needs_token:
        return
    token = _read_token(operation)
    found = find_token(services().pool, token)
    if found is None:
        raise Unauthorized("this token is not known or was revoked")
    if ROLES.index(found.role) < ROLES.index(operation.policy):
        raise Forbidden(f"this needs a token of role {operation.policy}; yours is of role {found.role}")
    g.caller = Caller(f"token:{found.name}", found.role)


def current_caller() -> Caller:
    """Who makes this request; only in routes that need to know."""
    caller: Caller = g.caller
    return caller


def current_actor() -> str:
    """Who did it, for events and logs; on a public route nobody in particular."""
    caller: Caller | None = g.get("caller")
    return caller.actor if caller else ANONYMOUS


def name_challenge() -> str:
    """The WWW-Authenticate of a 401 here: Basic only where a browser should ask its user."""
    operation = current_operation()
    return f'{"Basic" if operation and operation.browser else "Bearer"} realm="{REALM}"'


def _read_token(operation: Operation) -> str:
    given = request.authorization
    if given is not None and given.type == "bearer" and given.token:
        return given.token
    if given is not None and given.type == "basic" and operation.browser and given.password:
        # A browser sends Basic credentials by itself, also with what another site makes it send.
        if request.method not in SAFE_METHODS and not _is_same_origin():
            raise Forbidden("this request came from another site")
        return given.password
    raise Unauthorized("send an API token: Authorization: Bearer plm_...")


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    # The scheme is not compared: TLS may end in front of us.
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
