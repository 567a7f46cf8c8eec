"""What the console asks Prometheus keeps the contract of rules and dashboards."""

from __future__ import annotations

import pytest

from app.api.questions import CHANNELS, GRAPHS, SNAPSHOT
from app.outbound.prometheus import NAME, unite
from dashboards.frame import TITLES
from rules.contract import Reader, known_metrics

QUESTIONS = {**SNAPSHOT, **CHANNELS, **{f"graph {key}": graph.expr for key, graph in GRAPHS.items()}}
# Labels that the code reads off each answer; without them everything is null for ever, and nobody is told.
PROCESS = {"job", "instance"}
ONE_NUMBER: set[str] = set()
READ = {
    "up": PROCESS,
    "last_up": PROCESS,
    "started": PROCESS,
    "version": PROCESS | {"version"},
    "pool_count": PROCESS | {"pool", "state"},
    "pool_max": PROCESS | {"pool"},
    "pool_pending": PROCESS | {"pool"},
    "budget_left": {"slo"},
    "burn": {"slo"},
    "arrived": {"queue"},
    "finished": {"queue"},
    **{name: ONE_NUMBER for name in SNAPSHOT if name.startswith("pg_")},
    **{name: {"channel"} for name in CHANNELS},
    **{f"graph {key}": ONE_NUMBER for key in GRAPHS},
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_question_keeps_the_contract(name: str) -> None:
    reader = Reader(known_metrics())
    labels = reader.read(QUESTIONS[name])
    assert reader.problems == []
    assert READ[name] <= labels


@pytest.mark.parametrize("questions", [SNAPSHOT, CHANNELS, {key: graph.expr for key, graph in GRAPHS.items()}])
def test_questions_can_be_asked_in_one(questions: dict[str, str]) -> None:
    reader = Reader(known_metrics())
    assert NAME in reader.read(unite(questions))
    assert reader.problems == []


@pytest.mark.parametrize("name", GRAPHS)
def test_graph_leads_to_a_dashboard_that_is_there(name: str) -> None:
    assert GRAPHS[name].dashboard in TITLES
