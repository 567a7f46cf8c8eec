"""API tokens. Only the SHA-256 of a token is stored: 256 random bits need no slow hash."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from app.errors import UsageError
from app.store.pool import Pool

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what the ones before it may

PREFIX = "plm_"
TOKEN = re.compile(r"plm_[A-Za-z0-9_-]{43}")
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Token:
    """One token as stored. `role` is one of ROLES, by a check of the table."""

    name: str
    role: Any
    created_at: datetime
    revoked_at: datetime | None


def create_token(pool: Pool, name: str, role: str) -> str:
    """Make a token and return it: it can never be read again. Raises UsageError for a bad or a taken name."""
    if not NAME.fullmatch(name):
        raise UsageError("a token's name has 1 to 64 letters, digits, dots, dashes or underscores")
    if role not in ROLES:
        raise UsageError(f"a token's role is one of: {', '.join(ROLES)}")
    token = PREFIX + secrets.token_urlsafe(32)
    with pool.autocommit("create_token") as cursor:
        cursor.execute(
            "INSERT INTO api_tokens (name, role, token_hash) VALUES (%s, %s, %s)"
            " ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING RETURNING id",
            (name, role, hash_token(token)),
        )
        if cursor.fetchone() is None:
            raise UsageError(f"there is a token named {name}; revoke it first, or take another name")
    return token


def revoke_token(pool: Pool, name: str) -> None:
    """End a token at once. Raises UsageError when no valid token has this name."""
    with pool.autocommit("revoke_token") as cursor:
        cursor.execute("UPDATE api_tokens SET revoked_at = now() WHERE name = %s AND revoked_at IS NULL", (name,))
        if cursor.rowcount == 0:
            raise UsageError(f"there is no valid token named {name}; see the names with: palmonas token list")


def list_tokens(pool: Pool) -> list[Token]:
    """The newest 1,000 tokens, revoked ones included."""
    with pool.autocommit("list_tokens") as cursor:
        cursor.execute("SELECT name, role, created_at, revoked_at FROM api_tokens ORDER BY id DESC LIMIT 1000")
        return [Token(*row) for row in cursor.fetchall()]


def find_token(pool: Pool, token: str) -> Token | None:
    """The valid token whose text this is; None when there is none."""
    if not TOKEN.fullmatch(token):
        return None
    with pool.autocommit("find_token") as cursor:
        cursor.execute(
            "SELECT name, role, created_at, revoked_at FROM api_tokens WHERE token_hash = %s AND revoked_at IS NULL",
            (hash_token(token),),
        )
        row = cursor.fetchone()
    return Token(*row) if row else None


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
