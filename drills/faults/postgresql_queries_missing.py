"""PostgreSQL's exporter is started without our queries: it works, and tells nothing of sessions and locks."""

from __future__ import annotations

import os
import subprocess

from app.errors import UsageError
from drills.stand import Stand
from stack.programs import find_executable

EXPECT = ("PostgresQueriesMissing",)
DETECT_S = 90.0
STOP_DEADLINE_S = 10.0


def inject(stand: Stand) -> None:
    program = find_executable("postgres-exporter")
    if program is None:
        raise UsageError("there is no postgres-exporter; apt-get install prometheus-postgres-exporter")
    environment = os.environ | {"DATA_SOURCE_NAME": f"{stand.servers.postgres.monitor_url}?sslmode=disable"}
    command = [str(program), f"--web.listen-address=127.0.0.1:{stand.layout.ports['postgres-exporter']}"]
    stand.undo.callback(stand.start, "postgres-exporter")
    stand.stop("postgres-exporter")
    with stand.layout.log_of("postgres-exporter").open("ab") as log:
        exporter = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    stand.undo.callback(exporter.wait, STOP_DEADLINE_S)
    stand.undo.callback(exporter.kill)


def heal(stand: Stand) -> None:
    stand.undo.close()
