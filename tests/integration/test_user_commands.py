"""palmonas user: as it is typed, against a real store."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.passwords import verify_password
from app.store.pool import Pool
from app.store.users import find_login, list_users
from tests.api_console import run_sql

JANE = "jane@shop.example"


def palmonas(database_url: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"PALMONAS_DATABASE_URL": database_url}
    return subprocess.run(
        [sys.executable, "-m", "cli", "user", *arguments],
        env=environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_user_is_made_with_a_password_that_is_shown_once(database_url: str, pool: Pool) -> None:
    assert "palmonas user create" in palmonas(database_url, "list").stdout
    made = palmonas(database_url, "create", "Jane@Shop.example", "--role", "admin", "--generate")
    password = made.stdout.strip()
    assert (made.returncode, len(password)) == (0, 20)
    found = find_login(pool, JANE)
    assert found is not None
    assert found[1].startswith("$argon2id$")
    assert verify_password(found[1], password)
    listed = palmonas(database_url, "list").stdout
    assert JANE in listed
    assert "admin" in listed
    assert password not in listed + str(
        run_sql(database_url, "SELECT audit_log::text, users::text FROM audit_log, users")
    )


def test_a_life_of_a_user_is_written_down(database_url: str, pool: Pool) -> None:
    steps = (
        (("create", JANE, "--role", "viewer", "--password-stdin"), "three words of jane\n", "may log in as viewer"),
        (("password", JANE, "--password-stdin"), "four other words of jane\n", "has a new password"),
        (("role", JANE, "operator"), "", "is operator now"),
        (("log-out", JANE), "", "all sessions"),
        (("disable", JANE), "", "is disabled"),
        (("enable", JANE), "", "may log in again as operator"),
    )
    for arguments, typed, said in steps:
        done = palmonas(database_url, *arguments, typed=typed)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    (user,) = list_users(pool)
    assert (user.role, user.generation, user.disabled_at) == ("operator", 6, None)
    actions = run_sql(database_url, "SELECT actor, action, object FROM audit_log ORDER BY id")
    assert [row[1] for row in actions] == [f"user.{one}" for one in (
        "create", "password", "role", "log_out", "disable", "enable")]  # fmt: skip
    assert {(row[0], row[2]) for row in actions} == {("command", f"user:{user.id}")}


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("create", "jane", "--role", "admin", "--generate"), "", "an e-mail address looks like"),
        (("create", JANE, "--role", "admin", "--password-stdin"), "short\n", "12 to 200 characters"),
        (("create", JANE, "--role", "admin", "--password-stdin"), "aaaaaaaaaaaaaaaa\n", "too easily guessed"),
        (("create", JANE, "--role", "admin", "--password-stdin"), f"{JANE}\n", "too easily guessed"),
        (("create", JANE, "--role", "owner", "--generate"), "", "Invalid value for '--role'"),
        (("create", JANE, "--role", "admin", "--generate", "--password-stdin"), "", "take one"),
        (("disable", JANE), "", "there is no user"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_done(
    database_url: str, arguments: tuple[str, ...], typed: str, said: str
) -> None:
    done = palmonas(database_url, *arguments, typed=typed)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not typed.strip() or typed.strip() == JANE or typed.strip() not in done.stderr
    assert run_sql(database_url, "SELECT count(*) FROM users") == [(0,)]
