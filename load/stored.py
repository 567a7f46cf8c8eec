"""After the load: whether everything that was accepted is stored, asked of the database itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from app.store.inbox import read_states
from app.store.pool import Pool
from load.judgement import Stored

BATCH = 1000  # deliveries a query
PAUSE_S = 0.5
MISSING = "missing"

Key = tuple[str, str]  # channel and delivery id


def wait_stored(pool: Pool, keys: Iterable[Key], deadline_s: float) -> Stored:
    """Look until all are stored, or `deadline_s` seconds have passed. Raises what `Pool` does."""
    started = time.monotonic()
    states: dict[Key, str] = {}
    left = list(keys)
    while True:
        for batch in split_batches(left):
            found = read_states(pool, batch)
            states |= {key: found.get(key, MISSING) for key in batch}
        left = [key for key in left if states[key] != "done"]
        passed = time.monotonic() - started
        if not left or passed >= deadline_s:
            return Stored(Counter(states.values()), passed)
        time.sleep(PAUSE_S)


def split_batches(keys: list[Key]) -> Iterator[list[Key]]:
    for first in range(0, len(keys), BATCH):
        yield keys[first : first + BATCH]
