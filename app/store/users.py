"""People who log in to the console. Passwords come and go as hashes only.

A user's `generation` is in each session of theirs: whatever raises it ends all of them at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.errors import UsageError
from app.store.audit import AuditEntry, describe_command, insert_entry
from app.store.pool import Pool
from app.store.tokens import ROLES

EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[a-z0-9.-]{1,189}")
_COLUMNS = "id, email, role, generation, created_at, disabled_at"


@dataclass(frozen=True, slots=True)
class User:
    """One user as stored. `role` is one of ROLES, by a check of the table."""

    id: int
    email: str
    role: Any
    generation: int
    created_at: datetime
    disabled_at: datetime | None


def normalize_email(text: str) -> str:
    """The one spelling of an address. Raises UsageError when it is none."""
    email = text.strip().lower()
    if not EMAIL.fullmatch(email) or not email.isprintable():
        raise UsageError("an e-mail address looks like name@shop.example")
    return email


def create_user(pool: Pool, email: str, role: str, password_hash: str, request_id: str) -> User:
    """Raises UsageError for a bad or a taken address."""
    email = normalize_email(email)
    if role not in ROLES:
        raise UsageError(f"a user's role is one of: {', '.join(ROLES)}")
    with pool.transaction("create_user") as cursor:
        cursor.execute(
            "INSERT INTO users (email, role, password_hash) VALUES (%s, %s, %s)"
            f" ON CONFLICT (email) DO NOTHING RETURNING {_COLUMNS}",
            (email, role, password_hash),
        )
        row = cursor.fetchone()
        if row is None:
            raise UsageError(f"there is a user {email}; see: palmonas user list")
        user = User(*row)
        insert_entry(cursor, describe_command("user.create", f"user:{user.id}", request_id, role=role))
    return user


def set_password(pool: Pool, email: str, password_hash: str, request_id: str) -> User:
    """A new password; ends all sessions. Raises UsageError when there is no such user."""
    return _change(pool, email, "user.password", request_id, ("password_hash = %s", password_hash))


def set_role(pool: Pool, email: str, role: str, request_id: str) -> User:
    """Another role, from the next request on. Raises UsageError when there is no such user."""
    if role not in ROLES:
        raise UsageError(f"a user's role is one of: {', '.join(ROLES)}")
    return _change(pool, email, "user.role", request_id, ("role = %s", role), role=role)


def disable_user(pool: Pool, email: str, request_id: str) -> User:
    """Nobody gets in any more, and who is in is out. Raises UsageError when there is no such user."""
    return _change(pool, email, "user.disable", request_id, ("disabled_at = coalesce(%s, disabled_at, now())", None))


def enable_user(pool: Pool, email: str, request_id: str) -> User:
    """Raises UsageError when there is no such user."""
    return _change(pool, email, "user.enable", request_id, ("disabled_at = %s", None))


def log_out_user(pool: Pool, email: str, request_id: str) -> User:
    """End all sessions. Raises UsageError when there is no such user."""
    return _change(pool, email, "user.log_out", request_id, ("email = coalesce(%s, email)", None))


def _change(pool: Pool, email: str, action: str, request_id: str, change: tuple[str, Any], **detail: Any) -> User:
    """`change` is an assignment of a column and its value."""
    assignment, value = change
    with pool.transaction("change_user") as cursor:
        cursor.execute(
            f"UPDATE users SET {assignment}, generation = generation + 1 WHERE email = %s RETURNING {_COLUMNS}",
            (value, normalize_email(email)),
        )
        row = cursor.fetchone()
        if row is None:
            raise UsageError(f"there is no user {normalize_email(email)}; see: palmonas user list")
        user = User(*row)
        insert_entry(cursor, describe_command(action, f"user:{user.id}", request_id, **detail))
    return user


def end_sessions(pool: Pool, user_id: int, entry: AuditEntry) -> None:
    """End all sessions of a user who asks for it."""
    with pool.transaction("end_sessions") as cursor:
        cursor.execute("UPDATE users SET generation = generation + 1 WHERE id = %s", (user_id,))
        insert_entry(cursor, entry)


def list_users(pool: Pool) -> list[User]:
    """The first 1,000 by address, disabled ones included."""
    with pool.autocommit("list_users") as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM users ORDER BY email LIMIT 1000")
        return [User(*row) for row in cursor.fetchall()]


def find_login(pool: Pool, email: str) -> tuple[User, str] | None:
    """The enabled user of this address, in any case of letters, and the hash of the password."""
    with pool.autocommit("find_login") as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS}, password_hash FROM users WHERE email = %s AND disabled_at IS NULL",
            (email.strip().lower().replace("\x00", ""),),
        )
        row = cursor.fetchone()
    return (User(*row[:-1]), row[-1]) if row else None


def find_user(pool: Pool, user_id: int, generation: int) -> User | None:
    """The enabled user whose sessions of this generation are still good."""
    with pool.autocommit("find_user") as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM users WHERE id = %s AND generation = %s AND disabled_at IS NULL",
            (user_id, generation),
        )
        row = cursor.fetchone()
    return User(*row) if row else None
