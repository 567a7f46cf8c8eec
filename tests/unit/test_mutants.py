"""The mutations that rules are tested with: each kind is made, each is another expression, each parses."""

from __future__ import annotations

import json
from pathlib import Path

import promql_parser as ast
import pytest

from rules.files import read_alerts, read_recordings
from tests.mutants.__main__ import SOURCE, judge, list_subjects
from tests.mutants.cases import (
    Case,
    Place,
    Version,
    cut_case,
    find_failed,
    find_names,
    list_rules,
    name_rule,
    read_document,
)
from tests.mutants.mutations import list_mutations

EXPR = 'sum by (job, queue) (rate(a{b="c", d=~"e > 1|f"}[5m])) > 0.8 unless on (job) max by (job) (g) >= 2'


def made(expr: str = EXPR, hold: str | None = None) -> dict[str, str]:
    return {mutation.change: mutation.expr for mutation in list_mutations(expr, hold)}


def test_every_kind_of_mutation_is_made() -> None:
    changes = made()
    assert changes["> 0.8 (at 1) flipped to <"].count("< 0.8") == 1
    assert "> 1.6 unless" in changes["> 0.8 (at 1) doubled"]
    assert "> 0.4 unless" in changes["> 0.8 (at 1) halved"]
    assert changes[">= 2 (at 2) flipped to <"].endswith("< 2")
    assert 'a{d=~"e > 1|f"}' in changes['matcher b="c" dropped (selector 1)']
    assert 'a{b="c"}' in changes['matcher d=~"e > 1|f" dropped (selector 1)']
    assert "sum by (queue)(" in changes["by without job (grouping 1)"].replace(") (", ")(")
    assert "on ()" in changes["on without job (grouping 2)"]
    assert "[1200s]" in changes["window 5m to 1200s"]
    assert "[75s]" in changes["window 5m to 75s"]
    assert changes["left side of unless removed (operation 1)"].startswith("max by")
    assert "unless" not in changes["right side of unless removed (operation 1)"]
    assert len(set(changes.values())) == len(changes)
    assert str(ast.parse(EXPR)) not in changes.values()


def test_a_hold_is_removed_and_doubled() -> None:
    found = {one.change: one.hold for one in list_mutations("up == 0", "90s") if one.change.startswith("for")}
    assert found == {"for removed": None, "for doubled": "180s"}
    assert not [one for one in list_mutations("up == 0", None) if one.change.startswith("for")]


@pytest.mark.parametrize("expr", sorted({one.expr for one in (*read_alerts(), *read_recordings())}))
def test_mutations_of_our_rules_parse(expr: str) -> None:
    for mutation in list_mutations(expr, None):
        ast.parse(mutation.expr)


def test_survivors_are_exactly_those_with_a_reason() -> None:
    names = {f"m{number}" for number in range(100)}
    assert judge({"m1"}, 100, {"m1": "why"}, names) == []
    assert "has no reason" in judge({"m1"}, 100, {}, names)[0]
    assert "still has a reason" in judge(set(), 100, {"m1": "why"}, names)[0]
    assert judge(set(), 50, {"m99": "of another area"}, names - {"m99"}) == []
    few = {f"m{number}" for number in range(6)}
    assert judge(few, 100, dict.fromkeys(few, "why"), names) == [
        "only 94.0% of 100 mutants are noticed; wanted are 95%"
    ]


def cut(rule: str, file: str, test: str) -> Case | None:
    for group, index, one in list_rules(read_document(SOURCE / file)):
        if name_rule(one) == rule:
            return cut_case(SOURCE / "tests" / test, Place(file, group, index), rule)
    raise AssertionError(rule)


def test_a_case_is_what_can_notice_a_change() -> None:
    """The tests of the alert that reads a recorded series, with the series behind it, and nothing else."""
    name, file = "job_instance:redis_connected_clients:ratio", "rules/redis.yml"
    case = cut(name, file, "redis.yml")
    assert case is not None
    assert case.reached == {name, "RedisClientsHigh"}
    read = {"redis_connected_clients", "redis_config_maxclients"}
    assert case.wanted == case.reached | read | {"redis_instance_info"}
    asked = {one["alertname"] for test in case.tests["tests"] for one in test["alert_rule_test"]}
    assert asked == {"RedisClientsHigh"}
    assert {one["series"].partition("{")[0] for test in case.tests["tests"] for one in test["input_series"]} == read
    assert cut(name, file, "queues.yml") is None


def test_every_version_has_rules_and_expectations_of_its_own(tmp_path: Path) -> None:
    case = cut("job_instance:redis_connected_clients:ratio", "rules/redis.yml", "redis.yml")
    assert case is not None
    path = case.write(tmp_path, [Version(0, "a / b", None), Version(7, "b / a", None)])
    asked = {one["alertname"] for test in json.loads(path.read_text())["tests"] for one in test["alert_rule_test"]}
    assert asked == {"RedisClientsHigh__mutant_0", "RedisClientsHigh__mutant_7"}
    rules = [
        rule for name in ("rules-0.yml", "rules-1.yml") for _, _, rule in list_rules(read_document(tmp_path / name))
    ]
    assert {name_rule(rule): rule["expr"].split(" > ")[0] for rule in rules} == {
        "job_instance:redis_connected_clients:ratio__mutant_0": "a / b",
        "job_instance:redis_connected_clients:ratio__mutant_7": "b / a",
        "RedisClientsHigh__mutant_0": "job_instance:redis_connected_clients:ratio__mutant_0",
        "RedisClientsHigh__mutant_7": "job_instance:redis_connected_clients:ratio__mutant_7",
    }


def test_what_failed_is_read_from_what_promtool_says() -> None:
    assert find_failed('  FAILED:\n    alertname: Down__mutant_3, time: 1m, \n    expr: "a:b__mutant_12"') == {3, 12}
    assert find_failed("  FAILED:\n    alertname: Down, time: 1m") == set()


def test_names_of_metrics_and_of_alerts_are_read() -> None:
    assert find_names('sum(rate(a{x="y"}[5m])) / b > c:d:e offset 1w') == {"a", "b", "c:d:e"}
    assert find_names('count(ALERTS{alertname="Down", alertstate="firing"})') == {"Down"}


def test_values_stay_as_promtool_reads_them() -> None:
    documents = [read_document(path) for path in SOURCE.glob("tests/*.yml")]
    values = [one["values"] for document in documents for test in document["tests"] for one in test["input_series"]]
    assert "0x40" in values
    assert 64 not in values


def test_names_tell_mutants_apart() -> None:
    names = [name for subject in list_subjects([]) for name in subject.mutants]
    assert len(set(names)) == len(names) > 1000
