"""A process with a mistake: it keeps connections of its pool, and works with the rest.

`python -m drills.leak PORT URL_FILE SIZE LEAKED`
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from prometheus_client import start_http_server

from app import __version__, telemetry
from app.store.pool import Pool
from drills.beside import run_beside
from drills.stand import Stand
from stack.processes import find_free_port

LONGEST_S = 3600  # at least, should whoever started it be gone


def start_leaking(stand: Stand, size: int, leaked: int) -> None:
    """Run a process that keeps `leaked` of its `size` connections, as one more worker, until the drill is undone."""
    port = find_free_port()
    database = str(stand.layout.secrets / "database_url")
    command = [sys.executable, "-m", "drills.leak", str(port), database, str(size), str(leaked)]
    stand.undo.enter_context(run_beside(stand, "worker-leaking", port, command))


def main(port: int, url_file: Path, size: int, leaked: int) -> None:
    telemetry.expose("worker", __version__)
    start_http_server(port, "127.0.0.1")
    url = url_file.read_text(encoding="ascii").strip()
    pool = Pool(url, name="store", size=size, timeout_s=5, connect_timeout_s=5, statement_timeout_s=5)
    with ExitStack() as kept:
        for _ in range(leaked):
            kept.enter_context(pool.autocommit("leak"))
        for _ in range(LONGEST_S):
            with pool.autocommit("work") as cursor:
                cursor.execute("SELECT 1")
            time.sleep(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
