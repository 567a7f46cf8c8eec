"""A process with a mistake: it keeps connections of its pool. Run as `python -m drills.leaking PORT URL_FILE`."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from prometheus_client import start_http_server

from app import __version__, telemetry
from app.store.pool import Pool

SIZE = 5
LEAKED = 2
LONGEST_S = 3600  # should whoever started it be gone


def main(port: int, url_file: Path) -> None:
    telemetry.expose("worker", __version__)
    start_http_server(port, "127.0.0.1")
    url = url_file.read_text(encoding="ascii").strip()
    pool = Pool(url, name="store", size=SIZE, timeout_s=5, connect_timeout_s=5, statement_timeout_s=5)
    with ExitStack() as kept:
        for _ in range(LEAKED):
            kept.enter_context(pool.autocommit("leak"))
        time.sleep(LONGEST_S)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
