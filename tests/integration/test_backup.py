"""palmonas backup and restore: what comes back is what was there, and nothing is ever overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.inbox import NewDelivery, insert_deliveries
from app.store.pool import Pool
from stack.backup import find_manifest
from stack.servers import PostgresServer
from tests.api_console import insert_order, run_sql
from tests.integration.conftest import open_pool
from tests.servers import execute_admin

NAME = "restored"


@pytest.fixture
def empty_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    execute_admin(postgres_server, f"CREATE DATABASE {NAME} OWNER palmonas")
    yield postgres_server.make_url(NAME)
    execute_admin(postgres_server, f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.fixture
def backup(tmp_path: Path, database_url: str) -> Path:
    """A backup of a database with orders whose text is awkward."""
    for number, name in enumerate(("plain", "quo'te", "back\\slash", "tab\tand\nline", "Ünïcødé 注文")):
        insert_order(database_url, f"order-{number}", customer_name=name)
    path = tmp_path / "orders.dump"
    done = palmonas(database_url, "backup", path)
    assert done.returncode == 0, done.stderr
    return path


def palmonas(database_url: str, command: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", command, str(path)],
        env=os.environ | {"PALMONAS_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def read_everything(database_url: str) -> dict[str, list[tuple[str, ...]]]:
    tables = run_sql(database_url, "SELECT relname FROM pg_stat_user_tables ORDER BY 1")
    return {name: run_sql(database_url, f"SELECT t::text FROM {name} t ORDER BY 1") for (name,) in tables}


def test_what_was_backed_up_is_restored_and_goes_on(backup: Path, database_url: str, empty_url: str) -> None:
    before = read_everything(database_url)
    assert len(before["orders"]) == 5
    done = palmonas(empty_url, "restore", backup)
    assert done.returncode == 0, done.stderr
    assert "rows of" in done.stdout
    assert read_everything(empty_url) == before
    pool: Pool = open_pool(empty_url, size=1)
    assert insert_deliveries(pool, [NewDelivery("standard", "next", "order.created", "request", "{}")])
    pool.close()
    highest = run_sql(database_url, "SELECT max(id) FROM orders")[0][0]
    assert insert_order(empty_url, "next") > highest, "an id was given out twice"


def test_a_backup_is_one_moment_while_the_service_goes_on(tmp_path: Path, database_url: str, empty_url: str) -> None:
    path = tmp_path / "busy.dump"
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "backup", str(path)],
        env=os.environ | {"PALMONAS_DATABASE_URL": database_url},
    ) as process:
        pool, number = open_pool(database_url, size=1), 0
        while process.poll() is None:
            insert_deliveries(pool, [NewDelivery("standard", f"busy-{number}", "order.created", "request", "{}")])
            number += 1
        pool.close()
    assert process.returncode == 0
    done = palmonas(empty_url, "restore", path)
    assert done.returncode == 0, done.stderr
    count = run_sql(empty_url, "SELECT count(*) FROM inbox")[0][0]
    assert 0 < count < number, "nothing was written while it was read: the test proves nothing"


def test_nobody_else_reads_a_backup(backup: Path) -> None:
    assert [one.stat().st_mode & 0o077 for one in (backup, find_manifest(backup))] == [0, 0]


def test_nothing_is_overwritten(backup: Path, database_url: str) -> None:
    before, dump = read_everything(database_url), backup.read_bytes()
    again = palmonas(database_url, "backup", backup)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert backup.read_bytes() == dump
    full = palmonas(database_url, "restore", backup)
    assert full.returncode == 1
    assert "not empty" in full.stderr
    assert read_everything(database_url) == before


def test_a_damaged_backup_leaves_the_database_empty(backup: Path, empty_url: str) -> None:
    backup.write_bytes(backup.read_bytes()[:-2000])
    done = palmonas(empty_url, "restore", backup)
    assert done.returncode == 1
    assert "pg_restore failed" in done.stderr
    assert read_everything(empty_url) == {}


def test_a_backup_that_is_not_what_was_there_is_found_out(backup: Path, empty_url: str) -> None:
    manifest = find_manifest(backup)
    told = json.loads(manifest.read_text())
    told["tables"]["orders"]["checksum"] += "1"
    manifest.write_text(json.dumps(told))
    done = palmonas(empty_url, "restore", backup)
    assert done.returncode == 1
    assert "not what was backed up: orders;" in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda path: find_manifest(path).unlink(), "a backup is two files"),
        (lambda path: path.unlink(), "the dump itself is needed"),
        (lambda path: find_manifest(path).write_text("{"), "cannot be read"),
        (lambda path: find_manifest(path).write_text('{"format": 2}'), "another version"),
        (lambda path: find_manifest(path).write_text('{"format": 1, "schema": "9999", "tables": {}}'), "newer than"),
    ],
)
def test_half_a_backup_is_told_before_anything_starts(
    backup: Path, empty_url: str, change: object, sentence: str
) -> None:
    assert callable(change)
    change(backup)
    done = palmonas(empty_url, "restore", backup)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert read_everything(empty_url) == {}


def test_an_empty_database_is_not_backed_up(tmp_path: Path, empty_url: str) -> None:
    done = palmonas(empty_url, "backup", tmp_path / "nothing.dump")
    assert done.returncode == 1
    assert "was it the right one" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_password_is_on_the_command_line(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    run = subprocess.run

    def record(command: list[str], **options: object) -> object:
        seen.extend(map(str, command))
        return run(command, **options)  # type: ignore[call-overload]  # whatever it was called with

    monkeypatch.setattr(subprocess, "run", record)
    from stack.backup import write_backup

    pool = open_pool(database_url, size=1, statement_s=30)
    write_backup(pool, database_url, tmp_path / "one.dump", lambda _: None)
    pool.close()
    password = database_url.partition("palmonas:")[2].partition("@")[0]
    assert any("--dbname=" in one for one in seen)
    assert not any(password in one for one in seen)
