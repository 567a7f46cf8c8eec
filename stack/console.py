"""The pages of /console: built from frontend/, and in development served by vite with hot reload."""

from __future__ import annotations

import os
import subprocess

from stack.layout import ROOT
from stack.sites import Report, Site, find_node

CONSOLE = Site("console", "console's pages", ROOT / "frontend", ROOT / "build" / "console", "CONSOLE_OUT")
DEVELOPMENT = "http://127.0.0.1:5173/console/"


def start_development(base_url: str, report: Report) -> subprocess.Popen[bytes] | None:
    """vite on port 5173, which asks `base_url` for all that is not the console's; None where it cannot run."""
    if not find_node():
        report("no console with hot reload: no node 18 or newer with npm; for it: apt-get install nodejs npm")
        return None
    problem = CONSOLE.install_libraries()
    if problem:
        report(f"no console with hot reload: {problem}")
        return None
    report(f"console with hot reload: {DEVELOPMENT}")
    # In a session of its own: Ctrl-C is for the command, which then ends it.
    return subprocess.Popen(
        ["npm", "run", "--silent", "dev"],
        cwd=CONSOLE.source,
        env={**os.environ, "PALMONAS_URL": base_url},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
