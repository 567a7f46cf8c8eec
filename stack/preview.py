"""The pages of /dashboards: built from preview/ where node is to be had, and put into the stack's state.

Nothing here stops a start: without the pages there is one line that says why, and everything else works.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from stack.binaries import find_program, read_version
from stack.layout import ROOT, Layout

SOURCE = ROOT / "preview"
BUILT = ROOT / "build" / "preview"
STAMP = ".stamp"
NODE_MINIMUM = (18, 18)  # what the linter and the builder ask for; Debian 12 has 18.20
INSTALL_DEADLINE_S = 600.0
BUILD_DEADLINE_S = 600.0
DEPENDENCIES = "node_modules"

Report = Callable[[str], None]


def find_node() -> bool:
    """Whether node and npm are there, and new enough."""
    node = find_program("node", "nodejs")
    version = read_version(node) if node else None
    return version is not None and version >= NODE_MINIMUM and find_program("npm") is not None


def build_preview(report: Report) -> None:
    """Build the pages unless they are built from these very sources. What goes wrong is one line."""
    wanted = hash_sources()
    if _read_stamp() == wanted:
        return
    if not find_node():
        report("dashboards' preview not built: no node 18 or newer with npm; for it: apt-get install nodejs npm")
        return
    report("building the dashboards' preview (once; minutes on a small machine)")
    fresh = BUILT.with_name("preview.new")
    shutil.rmtree(fresh, ignore_errors=True)
    problem = _install_libraries() or _run(["npm", "run", "build"], BUILD_DEADLINE_S, PREVIEW_OUT=str(fresh))
    if problem:
        report(f"dashboards' preview not built: {problem}")
        return
    (fresh / STAMP).write_text(wanted, encoding="ascii")
    shutil.rmtree(BUILT, ignore_errors=True)
    fresh.rename(BUILT)


def place_preview(layout: Layout) -> bool:
    """Put the built pages, the dashboards and the runbooks into the stack's state; False when none are built.

    Copies: a stack that runs keeps its pages while others are built.
    """
    target = find_pages(layout)
    if not (BUILT / "index.html").exists():
        shutil.rmtree(target, ignore_errors=True)
        return False
    fresh = target.with_name("preview.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(BUILT, fresh)
    for name, files in (
        ("dashboards", (ROOT / "grafana" / "dashboards").glob("*.json")),
        ("runbooks", (ROOT / "docs" / "runbooks").glob("*.md")),
    ):
        (fresh / name).mkdir()
        for path in files:
            shutil.copyfile(path, fresh / name / path.name)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return True


def find_pages(layout: Layout) -> Path:
    """Where a stack keeps its pages."""
    return layout.state / "preview"


def hash_sources() -> str:
    """Of all that the build reads but the libraries themselves, whose hashes are in the lockfile."""
    whole = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*")):
        relative = path.relative_to(SOURCE)
        if path.is_file() and relative.parts[0] != DEPENDENCIES:
            whole.update(f"{relative}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _read_stamp() -> str | None:
    try:
        return (BUILT / STAMP).read_text(encoding="ascii")
    except FileNotFoundError:
        return None


def _install_libraries() -> str | None:
    """As the lockfile names them, with no script of theirs run; None, or what went wrong."""
    stamp = SOURCE / DEPENDENCIES / STAMP
    wanted = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return None
    problem = _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], INSTALL_DEADLINE_S)
    if problem is None:
        stamp.write_text(wanted, encoding="ascii")
    return problem


def _run(command: list[str], deadline_s: float, **environment: str) -> str | None:
    """None, or one line on what went wrong."""
    try:
        done = subprocess.run(
            command,
            cwd=SOURCE,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command[:2])}: {type(error).__name__} (at most {deadline_s:.0f} s)"
    if done.returncode == 0:
        return None
    # Not a warning that names errors: a bundler writes many of them.
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines()]
    found = next((at for at, line in enumerate(lines) if line.lower().startswith(("error", "npm error"))), None)
    told = f"exit code {done.returncode}" if found is None else " ".join(lines[found : found + 2])[:300]
    return f"{' '.join(command[:2])} failed: {told}"
