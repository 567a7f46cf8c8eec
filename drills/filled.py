"""Which panels a fault fills that announce to be empty."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

from app.errors import UsageError
from drills.asking import SCRAPE_S, Panels, View, list_queries, open_prometheus, read_dashboards, read_variables
from drills.fillers import read_empty
from drills.stand import Stand

LONGEST_S = 10.0  # that a fault may wait for its panels


def find_filled(stand: Stand, since: float, *, quick: bool = True) -> Panels:
    """Panels that were empty on a healthy stack under load and have data since `since` (seconds since 1970).

    What Prometheus does not tell in time is left out. Without `quick`, rates look back over scrapes every 15 s on any
    clock, as cAdvisor's are.
    """
    empty = read_empty()
    now = time.time()
    view = View(now, max(now - since, 1.0), SCRAPE_S / stand.factor if quick else SCRAPE_S)
    deadline = time.monotonic() + LONGEST_S
    filled: defaultdict[str, set[str]] = defaultdict(set)
    with open_prometheus(stand.layout) as prometheus:
        for board in read_dashboards():
            variables = read_variables(board)
            for query in list_queries(board):
                if query.panel not in empty.get(query.uid, ()) or query.panel in filled[query.uid]:
                    continue
                try:
                    if prometheus.ask(query, view, variables).series:
                        filled[query.uid].add(query.panel)
                except UsageError:  # the fault may be in Prometheus itself
                    return _sort(filled)
                if time.monotonic() > deadline:
                    return _sort(filled)
    return _sort(filled)


def subtract(after: Panels, before: Panels) -> Panels:
    """What is in `after` alone."""
    return _sort({uid: set(panels) - set(before.get(uid, ())) for uid, panels in after.items()})


def _sort(panels: Mapping[str, Iterable[str]]) -> Panels:
    return {uid: sorted(titles) for uid, titles in sorted(panels.items()) if titles}
