"""palmonas token and palmonas quarantine, as a user types them; the API does not run."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

from app.store.pool import Pool
from app.store.tokens import find_token
from tests.api_console import insert_delivery, run_sql

RUN = "from cli.main import main; main()"


def palmonas(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        env={"PALMONAS_DATABASE_URL": database_url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_token_is_made_listed_and_revoked(database_url: str) -> None:
    made = palmonas(database_url, "token", "create", "--name", "ops", "--role", "operator")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    pool = Pool(database_url, name="t", size=1, timeout_s=2, connect_timeout_s=2, statement_timeout_s=2)
    found = find_token(pool, token)
    assert found is not None
    assert (found.name, found.role) == ("ops", "operator")
    assert find_token(pool, token[:-1] + ("A" if token[-1] != "A" else "B")) is None

    again = palmonas(database_url, "token", "create", "--name", "ops", "--role", "viewer")
    assert (again.returncode, again.stdout) == (1, "")
    assert "revoke it first" in again.stderr

    listed = palmonas(database_url, "token", "list").stdout
    assert "ops" in listed
    assert "valid" in listed
    assert token not in listed
    assert palmonas(database_url, "token", "revoke", "ops").returncode == 0
    assert find_token(pool, token) is None
    assert palmonas(database_url, "token", "create", "--name", "ops", "--role", "viewer").returncode == 0
    pool.close()


@pytest.mark.parametrize(
    "arguments",
    [("token", "create", "--name", "a b", "--role", "viewer"), ("token", "create", "--name", "", "--role", "viewer"),
     ("token", "create", "--name", "x", "--role", "root"), ("token", "create"), ("token", "revoke", "nobody"),
     ("quarantine", "show", "1"), ("quarantine", "show", "x"), ("quarantine", "replay"), ("quarantine", "replay", "0"),
     ("quarantine", "replay", "99999999999999999999"), ("quarantine", "discard", "1"),
     ("quarantine", "list", "--channel", "ebay")],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_no_traceback(database_url: str, arguments: tuple[str, ...]) -> None:
    ended = palmonas(database_url, *arguments)
    assert ended.returncode in (1, 2)
    assert ended.stdout == ""
    assert ended.stderr.strip()
    assert "Traceback" not in ended.stderr


def test_without_a_database_it_says_so(database_url: str) -> None:
    ended = palmonas("postgresql://palmonas:a-password-of-tests-0001@127.0.0.1:1/x", "quarantine", "list")
    assert ended.returncode == 1
    assert "PostgreSQL" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert palmonas("", "token", "list").returncode == 1


def test_quarantine_from_the_command_line(database_url: str) -> None:
    first, second, third = (insert_delivery(database_url, f"d-{n}") for n in range(3))
    listed = palmonas(database_url, "quarantine", "list", "--limit", "2").stdout.splitlines()
    assert [int(line.split()[0]) for line in listed] == [third, second]
    following = palmonas(database_url, "quarantine", "list", "--before", str(second)).stdout.splitlines()
    assert [int(line.split()[0]) for line in following] == [first]
    shown = orjson.loads(palmonas(database_url, "quarantine", "show", str(first)).stdout)
    assert (shown["payload"], shown["attempts"]) == ('{"id": 1}', 5)
    assert palmonas(database_url, "quarantine", "replay", str(first), str(second)).returncode == 0
    assert palmonas(database_url, "quarantine", "discard", str(third)).returncode == 0
    assert run_sql(database_url, "SELECT state, attempts FROM inbox ORDER BY id") == [
        ("pending", 0), ("pending", 0), ("discarded", 5)]  # fmt: skip
    empty = palmonas(database_url, "quarantine", "list")
    assert (empty.returncode, empty.stdout) == (0, "")
