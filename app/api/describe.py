"""Write the description of the API to a file: `python -m app.api.describe [--check] FILE`.

The console's client (frontend/) is made from that file. Nothing is asked or started for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from app.api.application import describe_api
from app.api.services import Services
from app.config import Config
from app.health import HealthReport, Readiness
from app.queue import WorkQueue
from app.store.pool import Pool

NOWHERE = "127.0.0.1:1"  # nobody is asked: the routes are declared, and that is all


def main(arguments: list[str]) -> int:
    """Exit code 1 when `--check` finds another description in the file."""
    check, names = "--check" in arguments, [one for one in arguments if one != "--check"]
    if len(names) != 1:
        sys.stderr.write("say where: python -m app.api.describe [--check] FILE\n")
        return 2
    path = Path(names[0])
    described = orjson.dumps(describe_api(_make_services()), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    if not check:
        path.write_bytes(described)
        return 0
    if path.is_file() and path.read_bytes() == described:
        return 0
    sys.stderr.write(f"{path} is not what the routes declare; write it anew: make build-generated\n")
    return 1


def _make_services() -> Services:
    database, redis = (
        f"postgresql://nobody:nothing-that-opens@{NOWHERE}/none",
        f"redis://:nothing-that-opens@{NOWHERE}/0",
    )
    config = Config({"PALMONAS_DATABASE_URL": database, "PALMONAS_REDIS_URL": redis})
    pool = Pool(database, name="description", size=1, timeout_s=1, connect_timeout_s=1, statement_timeout_s=1)
    queue = WorkQueue(redis, timeout_s=1, connect_timeout_s=1)
    return Services(config, pool, queue, None, HealthReport({}), Readiness())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
