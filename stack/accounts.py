"""The first ways in: an API token of each stack, and a user of the demo. No other account is ever made by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import UsageError
from app.passwords import generate_password, hash_password
from app.store.pool import Pool
from app.store.tokens import create_token, revoke_token
from app.store.users import create_user, list_users, set_password
from stack.layout import Layout
from stack.programs import Servers, write_private

TOKEN_NAME = "stack-admin"  # noqa: S105 - a name, not a secret
DEMO_USER = "admin@demo.example"
WHO = "palmonas-up"  # in the place of a request id


def ensure_token(layout: Layout, servers: Servers) -> None:
    """Make the operators' first token, kept in a file that only this user reads."""
    if layout.token_file.exists():
        return
    with _open_store(servers) as pool:
        try:
            token = create_token(pool, TOKEN_NAME, "admin")
        except UsageError:  # its file was deleted
            revoke_token(pool, TOKEN_NAME)
            token = create_token(pool, TOKEN_NAME, "admin")
    write_private(layout.token_file, token)


def ensure_demo_user(layout: Layout, servers: Servers) -> None:
    """Make the user of a demo, with a password in a file that only this user reads."""
    with _open_store(servers) as pool:
        is_there = any(one.email == DEMO_USER for one in list_users(pool))
        if is_there and layout.password_file.exists():
            return
        password = generate_password()
        if is_there:  # its file was deleted
            set_password(pool, DEMO_USER, hash_password(password), WHO)
        else:
            create_user(pool, DEMO_USER, "admin", hash_password(password), WHO)
    write_private(layout.password_file, password)


@contextmanager
def _open_store(servers: Servers) -> Iterator[Pool]:
    pool = Pool(servers.postgres.url, name="stack", size=1, timeout_s=5, connect_timeout_s=5, statement_timeout_s=5)
    try:
        yield pool
    finally:
        pool.close()
