"""Every query of every panel and variable on a healthy stack under load: each has data, or its panel says why not."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from drills.asking import (
    Panels,
    Prometheus,
    Query,
    View,
    list_queries,
    open_prometheus,
    read_dashboards,
    read_variables,
)
from drills.fillers import read_fillers, record_empty
from drills.load import run_load
from drills.stand import Report, open_stand
from stack.layout import Layout

LOAD_S = 180.0
# Some rules are evaluated every five minutes only: what they record may come after the load has done its work.
PATIENCE_S = 240.0
AGAIN_S = 15.0
SLOW_S = 0.5
TRIES = 3
USERS = 4  # one of them an operator, beside the stand's own load


@dataclass
class Verdict:
    """What came of asking everything. `empty` and `slow` hold it against the dashboards, `announced` does not."""

    queries: int = 0
    empty: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    announced: dict[str, str] = field(default_factory=dict)
    is_empty: Panels = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return bool(self.queries) and not self.empty and not self.slow


def run_panels(report: Report, *, record: bool, load_s: float = LOAD_S) -> bool:
    """Load a private stack with the shipped rules, then ask every query of every panel and variable.

    True when each had data, or its panel said why not, and none took longer than SLOW_S at its best of TRIES.
    """
    with open_stand(1.0, report) as stand:
        with run_load(stand.layout, USERS, ("--metrics-port", "0")):
            report(f"{load_s:.0f} s of load")
            time.sleep(load_s)
            verdict = ask_everything(stand.layout, report)
        report("stopping the stack")
    for line in describe(verdict):
        report(line)
    if record and verdict.queries:
        record_empty(verdict.is_empty)
    return verdict.is_good


def ask_everything(layout: Layout, report: Report, patience_s: float = PATIENCE_S) -> Verdict:
    """Ask again what is empty and did not say so, for as long as the slowest rules may take."""
    verdict = Verdict()
    pending = [(query, read_variables(board)) for board in read_dashboards() for query in list_queries(board)]
    verdict.queries = len(pending)
    deadline = time.monotonic() + patience_s
    with open_prometheus(layout) as prometheus:
        verdict.empty += _check_variables(prometheus)
        filled: set[tuple[str, str]] = set()
        silent: list[tuple[Query, dict[str, str]]] = []
        while pending:
            silent = []
            for query, variables in pending:
                if _ask(prometheus, query, variables, verdict):
                    filled.add((query.uid, query.panel))
                else:
                    silent.append((query, variables))
            pending = [one for one in silent if not one[0].announced]
            if not pending or time.monotonic() > deadline:
                break
            report(f"{len(pending)} queries have no data yet")
            time.sleep(AGAIN_S)
            announced = [one for one in silent if one[0].announced]
            pending += announced
    empty: defaultdict[str, list[str]] = defaultdict(list)
    for query, _ in silent:
        if not query.announced:
            verdict.empty.append(query.name)
        elif (query.uid, query.panel) not in filled and query.panel not in empty[query.uid]:
            empty[query.uid].append(query.panel)
            verdict.announced[f"{query.uid}: {query.panel}"] = query.announced
    verdict.is_empty = {uid: sorted(panels) for uid, panels in sorted(empty.items()) if panels}
    return verdict


def _ask(prometheus: Prometheus, query: Query, variables: dict[str, str], verdict: Verdict) -> bool:
    """True when there is data. What is slow is asked again: this machine may have been busy."""
    view = View(time.time(), 3600)
    best = prometheus.ask(query, view, variables)
    for _ in range(TRIES - 1):
        if best.seconds <= SLOW_S:
            break
        best = min(best, prometheus.ask(query, view, variables), key=lambda answer: answer.seconds)
    text = f"{query.name} took {best.seconds:.2f} s"
    if best.seconds > SLOW_S and not any(one.startswith(query.name) for one in verdict.slow):
        verdict.slow.append(text)
    return best.series > 0


def _check_variables(prometheus: Prometheus) -> list[str]:
    view = View(time.time(), 3600)
    silent = []
    for board in read_dashboards():
        chosen = read_variables(board)
        for one in board["templating"]["list"]:
            if one["type"] == "query" and not prometheus.list_values(str(one["query"]), view, chosen):
                silent.append(f"{board['uid']}: the variable {one['name']}")
    return silent


def describe(verdict: Verdict) -> Iterator[str]:
    """The verdict, a line for each panel it is about, with the drills that are known to fill it."""
    fillers = read_fillers()
    yield f"{verdict.queries} queries asked"
    for name, reason in sorted(verdict.announced.items()):
        known = fillers.get(name)
        yield f"empty, as announced: {name}: {reason}{f'; filled by {known[0]}' if known else ''}"
    for name in verdict.empty:
        yield f"EMPTY: {name}"
    for text in verdict.slow:
        yield f"SLOW: {text}"
    yield (
        f"panels: {len(verdict.announced)} empty as announced, {len(verdict.empty)} empty without a word, "
        f"{len(verdict.slow)} slower than {SLOW_S * 1000:.0f} ms"
    )
