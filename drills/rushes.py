"""Operators who all ask at the same moment, over and over, an instance that has a slow line to PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

from drills.background import repeat
from drills.console import list_orders
from drills.instance import start_console
from drills.slow_line import open_slow_line
from drills.stand import Stand

PAUSE_S = 3.0  # two scrapes: no two of them in a row see a rush, so that the pool is slow and not full


def send_rushes(stand: Stand, operators: int, delay_s: float) -> None:
    """So many lists of orders at once, three seconds of peace, and so on; each statement takes `delay_s` more."""
    line = open_slow_line(stand, stand.servers.postgres.port, delay_s)
    parts = urlsplit(stand.servers.postgres.url)
    place = parts.netloc.replace(f":{parts.port}", f":{line}")
    base_url = start_console(stand, DATABASE_URL=urlunsplit(parts._replace(netloc=place)))

    def rush() -> None:
        with ThreadPoolExecutor(operators) as crowd:
            for asked in [crowd.submit(list_orders, stand, base_url) for _ in range(operators)]:
                asked.result()

    repeat(stand, rush, pause_s=PAUSE_S)
