"""A session locks the table of tokens: every request to the console waits with a connection, accept goes on."""

from __future__ import annotations

import requests

from drills.background import repeat
from drills.stand import Stand

EXPECT = ("ConnectionPoolExhausted",)
MAY = {
    "PalmonasApiErrors": "the console answers 503 to those who wait in vain",
    "HaproxyErrors": "and HAProxy counts it, too",
    "PostgresIdleInTransaction": "the session that holds the lock does nothing",
    "PostgresLocksBlocked": "requests wait for it",
}
CALLERS = 16  # the pool has 5 connections


def inject(stand: Stand) -> None:
    headers = {"Authorization": f"Bearer {stand.layout.token_file.read_text(encoding='ascii').strip()}"}
    stand.connect().cursor().execute("BEGIN; LOCK TABLE api_tokens IN ACCESS EXCLUSIVE MODE")
    repeat(stand, lambda: requests.get(f"{stand.layout.base_url}/orders", headers=headers, timeout=20), threads=CALLERS)


def heal(stand: Stand) -> None:
    stand.undo.close()
