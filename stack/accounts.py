"""The first ways in: an API token of each stack, and a user of the demo. No other account is ever made by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import UsageError
from app.passwords import generate_password, hash_password
from app.store.pool import Pool
from app.store.tokens import create_token, revoke_token
from app.store.users import create_user, list_users, set_password
from stack.programs import write_private

TOKEN_NAME = "stack-admin"  # noqa: S105 - a name, not a secret
DEMO_USER = "admin@demo.example"
WHO = "palmonas-up"  # in the place of a request id


def ensure_token(path: Path, database_url: str) -> None:
    """Make the operators' first token, kept in the file `path`, which only this user reads."""
    if path.exists():
        return
    with _open_store(database_url) as pool:
        try:
            token = create_token(pool, TOKEN_NAME, "admin")
        except UsageError:  # its file was deleted
            revoke_token(pool, TOKEN_NAME)
            token = create_token(pool, TOKEN_NAME, "admin")
    write_private(path, token)


def ensure_demo_user(path: Path, database_url: str) -> None:
    """Make the user of a demo, with the password in the file `path`, which only this user reads."""
    with _open_store(database_url) as pool:
        is_there = any(one.email == DEMO_USER for one in list_users(pool))
        if is_there and path.exists():
            return
        password = generate_password()
        if is_there:  # its file was deleted
            set_password(pool, DEMO_USER, hash_password(password), WHO)
        else:
            create_user(pool, DEMO_USER, "admin", hash_password(password), WHO)
    write_private(path, password)


@contextmanager
def _open_store(database_url: str) -> Iterator[Pool]:
    pool = Pool(database_url, name="stack", size=1, timeout_s=5, connect_timeout_s=5, statement_timeout_s=5)
    try:
        yield pool
    finally:
        pool.close()
