"""The promtool tests that can notice a change of one rule, cut down to what decides, for many changes at once.

Left out is only what the change cannot reach: rules that neither read the changed one nor are read together with it,
expectations about them, and series that no rule left reads. What is left out passes as it does without the change, so
that the verdict is that of the whole file, in a fraction of the time.

And each change is not run alone. The rule and all that reads it stand in the rule files once for each change, under a
name of their own, and so do the expectations: the series are loaded once, and promtool names what fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as ast
import yaml

from rules.scale import read_duration

Document = dict[str, Any]
_COPY = re.compile(r"__mutant_(\d+)")


class _Loader(yaml.CSafeLoader):
    """YAML as promtool reads it: `values: 0x40` is forty-one zeros, and not a number in base 16."""


_Loader.yaml_implicit_resolvers = yaml.CSafeLoader.yaml_implicit_resolvers | {
    "0": [("tag:yaml.org,2002:str", re.compile("0x")), *yaml.CSafeLoader.yaml_implicit_resolvers["0"]]
}


@dataclass(frozen=True)
class Place:
    """Where a rule stands: its file's path under prometheus/, and its group and place there, both from 0."""

    file: str
    group: int
    index: int


@dataclass(frozen=True)
class Version:
    """What a rule's expression and `for` are in the copy of this number."""

    number: int
    expr: str
    hold: str | None


@dataclass(frozen=True)
class Case:
    """What one test file says of one rule: `name` of the file, its `tests` that concern the rule at `place`.

    `rules` has the rule files by their path under prometheus/, whole; `wanted` are the names of those rules that are
    needed, `reached` of those that the rule at `place` can change, itself among them.
    """

    name: str
    place: Place
    tests: Document
    rules: dict[str, Document]
    wanted: frozenset[str]
    reached: frozenset[str]

    @property
    def cost(self) -> float:
        """Roughly how long it takes: evaluations times series. Only to be compared."""
        step_s = read_duration(self.tests["evaluation_interval"])
        return sum(_last_s(test) / step_s * (1 + len(test["input_series"])) for test in self.tests["tests"])

    def write(self, folder: Path, versions: list[Version]) -> Path:
        """The path of the test file, written to `folder` with its rule files; the rule is there in each version."""
        for number, file in enumerate(self.rules):
            # promtool reads YAML, and JSON is YAML that is quick to write
            (folder / f"rules-{number}.yml").write_text(json.dumps(self._spread_rules(file, versions)), "utf-8")
        path = folder / self.name
        tests = [self._spread_test(test, versions) for test in self.tests["tests"]]
        path.write_text(json.dumps(self.tests | {"tests": tests}), encoding="utf-8")
        return path

    def _spread_rules(self, file: str, versions: list[Version]) -> Document:
        groups = []
        for group_number, group in enumerate(self.rules[file]["groups"]):
            rules: list[Document] = []
            for number, rule in enumerate(group["rules"]):
                if name_rule(rule) in self.reached:
                    here = Place(file, group_number, number) == self.place
                    rules += [self._copy_rule(rule, one, here) for one in versions]
                elif name_rule(rule) in self.wanted:
                    rules.append(rule)
            if rules:
                groups.append(group | {"rules": rules})
        return {"groups": groups}

    def _copy_rule(self, rule: Document, version: Version, here: bool) -> Document:
        word = "alert" if "alert" in rule else "record"
        expr = version.expr if here else rule["expr"]
        copy = rule | {word: self._rename(rule[word], version), "expr": self._rename(expr, version)}
        if here:
            copy.pop("for", None)
            if version.hold is not None:
                copy["for"] = version.hold
        return copy

    def _spread_test(self, test: Document, versions: list[Version]) -> Document:
        alerts = [
            one | {"alertname": self._rename(one["alertname"], version)}
            for one in test["alert_rule_test"]
            for version in versions
        ]
        queries = [
            one
            | {
                "expr": self._rename(one["expr"], version),
                "exp_samples": [
                    sample | {"labels": self._rename(sample.get("labels", ""), version)}
                    for sample in one.get("exp_samples", ())
                ],
            }
            for one in test["promql_expr_test"]
            for version in versions
        ]
        return test | {"alert_rule_test": alerts, "promql_expr_test": queries}

    def _rename(self, text: str, version: Version) -> str:
        names = "|".join(sorted(map(re.escape, self.reached), key=len, reverse=True))
        return re.sub(rf"(?<![\w:])({names})(?![\w:])", rf"\g<1>__mutant_{version.number}", text)


def find_failed(told: str) -> set[int]:
    """The numbers of the versions that promtool's output names; it names only those that fail."""
    return {int(number) for number in _COPY.findall(told)}


@cache
def read_document(path: Path) -> Document:
    """The content of a YAML file, as promtool reads it; read once, and not to be changed."""
    document: Document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - it is a safe one
    return document


@cache
def find_names(expr: str) -> frozenset[str]:
    """The metric names that an expression reads, and the alerts whose state; the empty name where none is given."""
    names: set[str] = set()

    def collect(node: ast.Expr) -> None:
        if isinstance(node, ast.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, ast.VectorSelector):
            alerts = {one.value for one in node.matchers.matchers if one.name == "alertname"}
            names.update(alerts or {""} if node.name == "ALERTS" else {node.name or ""})

    ast.walk(ast.parse(expr), pre_visit=collect)
    return frozenset(names)


def name_rule(rule: Document) -> str:
    """What a test or another rule calls it by."""
    return str(rule.get("record") or rule["alert"])


def list_rules(document: Document) -> Iterator[tuple[int, int, Document]]:
    """Every rule of a rule file, with the numbers of its group and of its place there."""
    for group_number, group in enumerate(document["groups"]):
        for number, rule in enumerate(group["rules"]):
            yield group_number, number, rule


def cut_case(path: Path, place: Place, name: str) -> Case | None:
    """What of the test file `path` can notice a change of the rule `name` at `place`; None when nothing can."""
    document = read_document(path)
    files = {str(Path(one).relative_to("..")): path.parent / one for one in document["rule_files"]}
    if place.file not in files:
        return None
    rules = {file: read_document(source) for file, source in files.items()}
    reads: dict[str, set[str]] = {}
    read_by: dict[str, set[str]] = {}
    for rule in (rule for one in rules.values() for _, _, rule in list_rules(one)):
        reads.setdefault(name_rule(rule), set()).update(find_names(str(rule["expr"])))
        for one in find_names(str(rule["expr"])):
            read_by.setdefault(one, set()).add(name_rule(rule))
    reached = _spread([name], read_by)
    tests = [
        test for test in (_cut_test(test, reached) for test in document["tests"] if not _feeds(test, reached)) if test
    ]
    if not tests:
        return None
    asked = {name for test in tests for one in test["promql_expr_test"] for name in find_names(one["expr"])}
    wanted = _spread(reached | asked, reads)
    # a selector without a name may read any series
    for test in () if "" in wanted else tests:
        test["input_series"] = [
            one for one in test["input_series"] if one["series"].partition("{")[0] in wanted | {"ALERTS"}
        ]
    kept = {
        file: one for file, one in rules.items() if any(name_rule(rule) in wanted for _, _, rule in list_rules(one))
    }
    groups = [group for one in kept.values() for group in one["groups"]]
    present = {group["name"] for group in groups if any(name_rule(rule) in wanted for rule in group["rules"])}
    cut = {
        "rule_files": [f"rules-{number}.yml" for number in range(len(kept))],
        "evaluation_interval": document.get("evaluation_interval", "1m"),
        "group_eval_order": [group for group in document.get("group_eval_order", ()) if group in present],
        "tests": tests,
    }
    return Case(path.name, place, cut, kept, frozenset(wanted), frozenset(reached))


def _spread(start: Iterable[str], edges: dict[str, set[str]]) -> set[str]:
    """Everything that can be reached from `start`, which is part of it."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges.get(name, ())
    return found


def _feeds(test: Document, reached: set[str]) -> bool:
    """Whether a test gives what the rule, or a rule that reads it, would record: then it says nothing of the rule."""
    return any(one["series"].partition("{")[0] in reached for one in test["input_series"])


def _cut_test(test: Document, reached: set[str]) -> Document | None:
    alerts = [one for one in test.get("alert_rule_test", ()) if one["alertname"] in reached]
    queries = [one for one in test.get("promql_expr_test", ()) if find_names(one["expr"]) & reached]
    if not alerts and not queries:
        return None
    return test | {"alert_rule_test": alerts, "promql_expr_test": queries}


def _last_s(test: Document) -> float:
    return max(read_duration(one["eval_time"]) for one in (*test["alert_rule_test"], *test["promql_expr_test"]))
