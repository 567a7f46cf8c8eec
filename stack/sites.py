"""Pages that are built with node where node is to be had, and put into the stack's state.

Nothing here stops a start: without the pages there is one line that says why, and everything else works.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.binaries import find_program, read_version
from stack.layout import Layout

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


@dataclass(frozen=True)
class Site:
    """`source` has a package.json whose script `build` writes to the directory that the variable `output` names.

    `name` is that of the directory in a stack's state; `title` is what the lines of a report call it.
    """

    name: str
    title: str
    source: Path
    built: Path
    output: str

    def build(self, report: Report) -> None:
        """Build the pages unless they are built from these very sources. What goes wrong is one line."""
        wanted = self.hash_sources()
        if self._read_stamp() == wanted:
            return
        if not find_node():
            report(f"{self.title} not built: no node 18 or newer with npm; for it: apt-get install nodejs npm")
            return
        report(f"building {self.title} (once; minutes on a small machine)")
        fresh = self.built.with_name(f"{self.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        command = ["npm", "run", "build"]
        problem = self.install_libraries() or self._run(command, BUILD_DEADLINE_S, **{self.output: str(fresh)})
        if problem:
            report(f"{self.title} not built: {problem}")
            return
        (fresh / STAMP).write_text(wanted, encoding="ascii")
        shutil.rmtree(self.built, ignore_errors=True)
        fresh.rename(self.built)

    def place(self, layout: Layout, add: Callable[[Path], None] = lambda _: None) -> bool:
        """Put the built pages into the stack's state, with what `add` puts beside them; False when none are built.

        Copies: a stack that runs keeps its pages while others are built.
        """
        target = self.find(layout)
        if not (self.built / "index.html").exists():
            shutil.rmtree(target, ignore_errors=True)
            return False
        fresh = target.with_name(f"{self.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(self.built, fresh)
        add(fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
        return True

    def find(self, layout: Layout) -> Path:
        """Where a stack keeps these pages."""
        return layout.state / self.name

    def hash_sources(self) -> str:
        """Of all that the build reads but the libraries themselves, whose hashes are in the lockfile."""
        whole = hashlib.sha256()
        for path in sorted(self.source.rglob("*")):
            relative = path.relative_to(self.source)
            if path.is_file() and relative.parts[0] != DEPENDENCIES:
                whole.update(f"{relative}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return whole.hexdigest()

    def install_libraries(self) -> str | None:
        """As the lockfile names them, with no script of theirs run; None, or what went wrong."""
        stamp = self.source / DEPENDENCIES / STAMP
        wanted = hashlib.sha256((self.source / "package-lock.json").read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
            return None
        problem = self._run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], INSTALL_DEADLINE_S)
        if problem is None:
            stamp.write_text(wanted, encoding="ascii")
        return problem

    def _read_stamp(self) -> str | None:
        try:
            return (self.built / STAMP).read_text(encoding="ascii")
        except FileNotFoundError:
            return None

    def _run(self, command: list[str], deadline_s: float, **environment: str) -> str | None:
        """None, or one line on what went wrong."""
        try:
            done = subprocess.run(
                command,
                cwd=self.source,
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
