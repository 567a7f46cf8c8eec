"""The JSON schema of a dashboard, made from @grafana/schema's TypeScript types (dashboards/types) by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from app.errors import UsageError

TYPES = Path(__file__).with_name("types")
FILES = ("package.json", "package-lock.json", "panels.ts", "tsconfig.json")
INSTALL_DEADLINE_S, MAKE_DEADLINE_S = 300.0, 120.0


def find_missing() -> list[str]:
    """The programs that making the schema needs and this machine lacks."""
    return [name for name in ("node", "npm") if shutil.which(name) is None]


def make_schema(work: Path) -> str:
    """The text of dashboards/schema.json. Packages go into `work`, as locked, unless they are there already.

    Raises UsageError when a program is missing, fails, or takes too long.
    """
    if missing := find_missing():
        raise UsageError(
            f"the schema is made by {' and '.join(missing)}, which this machine lacks: apt-get install npm"
        )
    work.mkdir(parents=True, exist_ok=True)
    lock = work / "package-lock.json"
    is_current = lock.is_file() and lock.read_bytes() == (TYPES / lock.name).read_bytes()
    for name in FILES:
        shutil.copyfile(TYPES / name, work / name)
    if not (is_current and (work / "node_modules").is_dir()):
        _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], work, INSTALL_DEADLINE_S)
    made = _run(
        [
            *("node", "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js"),
            *("--path", "panels.ts", "--tsconfig", "tsconfig.json", "--type", "Parts", "--no-type-check"),
        ],
        work,
        MAKE_DEADLINE_S,
    )
    schema = json.loads(made)
    definitions = schema["definitions"]
    lines = [f"{json.dumps(name)}:{_pack(definitions[name])}" for name in sorted(definitions)]
    head = json.dumps(schema["$schema"])
    body = ",\n".join(lines)
    return f'{{"$schema":{head},"definitions":{{\n{body}\n}}}}\n'


def _pack(schema: Any) -> str:
    return json.dumps(_strip(schema), separators=(",", ":"), sort_keys=True)


def _strip(schema: Any) -> Any:
    """Without descriptions and defaults, which say nothing of what is allowed; fields of these names stay."""
    if isinstance(schema, dict):
        said = {key for key in ("description", "default") if not isinstance(schema.get(key), dict)}
        return {key: _strip(value) for key, value in schema.items() if key not in said}
    return [_strip(one) for one in schema] if isinstance(schema, list) else schema


def _run(command: list[str], work: Path, deadline_s: float) -> str:
    try:
        done = subprocess.run(
            command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{command[0]} took longer than {deadline_s:.0f} s in {work}") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip() and "warn" not in line]
        raise UsageError(f"{' '.join(command[:2])} failed in {work}: {' '.join(said)[:500]}")
    return done.stdout
