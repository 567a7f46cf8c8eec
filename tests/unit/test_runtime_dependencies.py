"""What an installation without the development tools imports is in its lock: else `make up` works for us alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ("app", "worker", "stack", "simulator", "cli")  # what `make up` and the service's processes run
# What their commands import when they run, and must do without the tools.
COMMANDS = ("rules/build.py", "rules/settings.py", "drills/listing.py")
OURS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
LOCKED = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/palmonas.lock").read_text(encoding="utf-8"), re.M))
DISTRIBUTIONS = packages_distributions()


def list_imports(path: Path) -> Iterator[str]:
    """The modules that are imported when the file is: not those within a function, or for types only."""
    waiting: list[ast.stmt] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        match waiting.pop():
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names if module.partition(".")[0] in OURS)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=others):
                waiting += others
            case ast.If(body=body, orelse=others) | ast.Try(body=body, orelse=others):
                waiting += [*body, *others]
            case ast.ClassDef(body=body):
                waiting += body


def find_file(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


def find_needed() -> dict[str, set[str]]:
    """Distribution -> the files that cannot be imported without it."""
    waiting = [path for name in INSTALLED for path in (ROOT / name).rglob("*.py")] + [ROOT / name for name in COMMANDS]
    seen: set[Path] = set()
    needed: dict[str, set[str]] = {}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in list_imports(path):
            top = module.partition(".")[0]
            if top in OURS:
                waiting += [found] if (found := find_file(module)) else []
            elif top not in sys.stdlib_module_names:
                for distribution in DISTRIBUTIONS.get(top, [top]):
                    name = re.sub(r"[-_.]+", "-", distribution).lower()
                    needed.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
    return needed


NEEDED = find_needed()


def test_the_imports_are_found() -> None:
    assert {"flask", "redis", "rq", "psycopg2-binary", "pyyaml"} <= NEEDED.keys()
    assert "stack/receivers.py" in NEEDED["pyyaml"]


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_is_imported_is_in_the_lock(name: str) -> None:
    # two distributions may bring one module; the development environment has both (urllib3, urllib3-future)
    assert name in LOCKED, (
        f"{', '.join(sorted(NEEDED[name]))} import {name}: add it to install_requires and `make lock`"
    )
