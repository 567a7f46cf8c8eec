"""Backup and restore: pg_dump's own format, and beside it what every table held, to compare with.

The dump is an ordinary one, which any pg_restore takes. It holds customers' data: nobody but its owner may read it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from app.errors import UsageError
from app.store.backup import TableSum, count_objects, hold_snapshot, read_server_major, read_sums
from app.store.pool import Pool
from app.store.schema import expected_version, read_version
from stack.binaries import find_postgres, find_program
from stack.binaries import read_version as read_program_version

TOOL_DEADLINE_S = 6 * 3600.0
FORMAT = 1

Report = Callable[[str], None]


def write_backup(pool: Pool, database_url: str, path: Path, report: Report) -> dict[str, TableSum]:
    """Dump the database into `path` and what its tables hold into `path`.json, both of one moment.

    Raises UsageError when a file is there already, a tool is missing, or pg_dump fails; then there is neither file.
    """
    manifest = find_manifest(path)
    for one in (path, manifest):
        if one.exists():
            raise UsageError(f"{one} is there already; choose another name")
    if not path.parent.is_dir():
        raise UsageError(f"there is no directory {path.parent}; make it first")
    version = read_version(pool)
    if version is None:
        raise UsageError("there is no schema in this database, so nothing to back up; was it the right one?")
    tool = _find_tool("pg_dump", read_server_major(pool))
    partial = path.with_name(f"{path.name}.partial")
    partial.touch(mode=0o600)
    try:
        with hold_snapshot(pool) as (cursor, snapshot):
            report("reading every table, for the comparison")
            sums = read_sums(cursor)
            report("dumping")
            _run(tool, database_url, "--format=custom", f"--snapshot={snapshot}", f"--file={partial}")
        told = {"format": FORMAT, "at": datetime.now(UTC).isoformat(timespec="seconds"), "schema": version}
        manifest.touch(mode=0o600)
        tables = {name: asdict(one) for name, one in sums.items()}
        manifest.write_text(json.dumps({**told, "tables": tables}, indent=2) + "\n", encoding="utf-8")
        partial.rename(path)
    except BaseException:
        manifest.unlink(missing_ok=True)
        raise
    finally:
        partial.unlink(missing_ok=True)
    return sums


def restore_backup(pool: Pool, database_url: str, path: Path, report: Report) -> dict[str, TableSum]:
    """Put a backup into an empty database, all or nothing, and compare every table with what it held.

    Raises UsageError when the database is not empty, the backup is not whole or too new, or something differs.
    """
    told = _read_manifest(path)
    if not path.is_file():
        raise UsageError(f"{path} is not there, only what it held; the dump itself is needed")
    if told["schema"] > expected_version():
        raise UsageError(f"the backup has schema {told['schema']}, newer than this palmonas; use the one that made it")
    if count := count_objects(pool):
        raise UsageError(
            f"the database is not empty ({count} tables and other objects), and nothing is overwritten; make a new one"
        )
    tool = _find_tool("pg_restore", read_server_major(pool))
    report("restoring")
    _run(tool, database_url, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(path))
    report("comparing every table with what it held")
    with hold_snapshot(pool) as (cursor, _):
        sums = read_sums(cursor)
    wanted = {name: TableSum(**one) for name, one in told["tables"].items()}
    differing = sorted(name for name in wanted.keys() | sums.keys() if wanted.get(name) != sums.get(name))
    if differing:
        raise UsageError(f"restored, and not what was backed up: {', '.join(differing)}; do not use this database")
    return sums


def find_manifest(path: Path) -> Path:
    """Where it stands what the tables of a backup held."""
    return path.with_name(f"{path.name}.json")


def _read_manifest(path: Path) -> dict[str, Any]:
    manifest = find_manifest(path)
    try:
        told: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{manifest} is not there: a backup is two files, {path.name} and {manifest.name}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{manifest} cannot be read; is it the file that `palmonas backup` wrote?") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise UsageError(f"{manifest} is of another version of palmonas; restore with that one")
    return told


def _find_tool(name: str, server: int) -> Path:
    """A tool at least as new as the server, as PostgreSQL wants it."""
    postgres = find_postgres()
    beside = postgres.path.parent / name if postgres else None
    tool = beside if beside and beside.exists() else find_program(name)
    version = read_program_version(tool) if tool else None
    if tool is None or version is None or version[0] < server:
        raise UsageError(f"{name} {server} or newer is needed: apt-get install postgresql-client-{server}")
    return tool


def _run(tool: Path, database_url: str, *options: str) -> None:
    parts = urlsplit(database_url)
    # The password is for the tool alone: a command line is read by everybody.
    bare = parts._replace(netloc=f"{parts.username or ''}@{parts.netloc.rpartition('@')[2]}")
    try:
        done = subprocess.run(
            [str(tool), f"--dbname={urlunsplit(bare)}", "--no-password", *options],
            env={**os.environ, "PGPASSWORD": unquote(parts.password or "")},
            capture_output=True,
            text=True,
            timeout=TOOL_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{tool.name} took longer than {TOOL_DEADLINE_S / 3600:.0f} hours") from error
    if done.returncode != 0:
        raise UsageError(f"{tool.name} failed: {done.stderr.strip()[-1000:]}")
