"""All that is generated: the dashboards and the two reference pages, as the files they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dashboards import (
    alerts,
    api,
    containers,
    haproxy,
    host,
    load,
    logs,
    monitoring,
    orders,
    overview,
    pools,
    postgresql,
    queues,
    redis,
    reference,
    slo,
    workers,
)
from rules.limits import use_settings
from rules.settings import Settings

BUILDERS: tuple[Callable[[], dict[str, Any]], ...] = (
    overview.build,
    api.build,
    pools.build,
    queues.build,
    workers.build,
    orders.build,
    slo.build,
    postgresql.build,
    redis.build,
    containers.build,
    host.build,
    haproxy.build,
    load.build,
    monitoring.build,
    alerts.build,
)
JSON_FOLDER = Path("grafana/dashboards")


def build_dashboards() -> list[dict[str, Any]]:
    """Every dashboard of ours as Grafana's JSON values, in the order of the menu."""
    return [build() for build in BUILDERS]


def render_dashboards(settings: Settings) -> dict[Path, str]:
    """Every dashboard with the lines of `settings`, as the text of its file, by the file's name."""
    with use_settings(settings):
        return {Path(f"{board['uid']}.json"): _to_json(board) for board in build_dashboards()}


def generate() -> dict[Path, str]:
    """The text of every generated file, by its path from the root of the repository."""
    boards = build_dashboards()
    files = {JSON_FOLDER / f"{board['uid']}.json": _to_json(board) for board in boards}
    files[logs.PATH] = _to_json(logs.build())
    files[Path("docs/metrics.md")] = reference.describe_metrics(boards)
    files[Path("docs/alerts.md")] = reference.describe_alerts(boards)
    return files


def _to_json(board: dict[str, Any]) -> str:
    return json.dumps(board, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def put(changed: list[Path], files: dict[Path, str], root: Path) -> None:
    """Write those of `changed` that are in `files`, and remove the others. Raises OSError."""
    for path in changed:
        target = root / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
        else:
            target.unlink()


def find_drift(root: Path) -> list[Path]:
    """Generated files under `root` that are missing, differ, or belong to no dashboard any more."""
    files = generate()
    left_over = {path.relative_to(root) for path in (root / JSON_FOLDER).glob("*.json")} - files.keys()
    return differ(files, root) + sorted(left_over)


def differ(files: dict[Path, str], root: Path) -> list[Path]:
    """Those of `files` that are missing under `root`, or another text there."""
    return [path for path, text in files.items() if _read(root / path) != text]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
