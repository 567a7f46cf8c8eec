"""The pages of /dashboards, with the dashboards and the runbooks they show."""

from __future__ import annotations

import shutil
from pathlib import Path

from stack.layout import ROOT, Layout
from stack.sites import Site

PREVIEW = Site("preview", "dashboards' preview", ROOT / "preview", ROOT / "build" / "preview", "PREVIEW_OUT")


def place_preview(layout: Layout) -> bool:
    """Put the built pages, the dashboards and the runbooks into the stack's state; False when none are built."""
    return PREVIEW.place(layout, _add_definitions)


def _add_definitions(pages: Path) -> None:
    for name, files in (
        ("dashboards", (ROOT / "grafana" / "dashboards").glob("*.json")),
        ("runbooks", (ROOT / "docs" / "runbooks").glob("*.md")),
    ):
        (pages / name).mkdir()
        for path in files:
            shutil.copyfile(path, pages / name / path.name)
