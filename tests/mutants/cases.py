"""The promtool tests that can notice a change of one rule, cut down to what decides.

Left out is only what the change cannot reach: rules that neither read the changed one nor are read together with it,
expectations about them, and series that no rule left reads. What is left out passes as it does without the change, so
that the verdict is that of the whole file, in a fraction of the time.
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

Document = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """YAML as promtool reads it: `values: 0x40` is forty-one zeros, and not a number in base 16."""


_Loader.yaml_implicit_resolvers = yaml.CSafeLoader.yaml_implicit_resolvers | {
    "0": [("tag:yaml.org,2002:str", re.compile("0x")), *yaml.CSafeLoader.yaml_implicit_resolvers["0"]]
}


@dataclass(frozen=True)
class Case:
    """One test file, cut down: `name` of the file it comes from, its `tests`, and the rules that they need.

    `rules` has the rule files by their path under prometheus/, whole; `wanted` says which of their rules are needed.
    """

    name: str
    tests: Document
    rules: dict[str, Document]
    wanted: frozenset[str]

    def write(self, folder: Path, file: str, changed: Document) -> Path:
        """The path of the test file, written to `folder` with its rule files; `changed` stands in for `file`."""
        for number, (one, document) in enumerate(self.rules.items()):
            # promtool reads YAML, and JSON is YAML that is quick to write
            text = json.dumps(_cut_rules(changed if one == file else document, self.wanted))
            (folder / f"rules-{number}.yml").write_text(text, encoding="utf-8")
        path = folder / self.name
        path.write_text(json.dumps(self.tests), encoding="utf-8")
        return path


@cache
def read_document(path: Path) -> Document:
    """The content of a YAML file, read once: not to be changed."""
    document: Document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - it is a safe one
    return document


@cache
def find_names(expr: str) -> frozenset[str]:
    """The metric names that an expression reads; the empty name for a selector without one."""
    names: set[str] = set()

    def collect(node: ast.Expr) -> None:
        if isinstance(node, ast.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, ast.VectorSelector):
            names.add(node.name or "")

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


def cut_case(path: Path, file: str, rule: Document) -> Case | None:
    """What of the test file `path` can notice a change of a rule of `file`; None when nothing can."""
    document = read_document(path)
    files = {str(Path(one).relative_to("..")): path.parent / one for one in document["rule_files"]}
    if file not in files:
        return None
    rules = {one: read_document(source) for one, source in files.items()}
    reads: dict[str, set[str]] = {}
    read_by: dict[str, set[str]] = {}
    for one in rules.values():
        for _, _, each in list_rules(one):
            reads.setdefault(name_rule(each), set()).update(find_names(str(each["expr"])))
            for name in find_names(str(each["expr"])):
                read_by.setdefault(name, set()).add(name_rule(each))
    reached = _spread([name_rule(rule)], read_by)
    tests = [test for test in (_cut_test(test, reached) for test in document["tests"]) if test]
    if not tests:
        return None
    asked = {name for test in tests for one in test["promql_expr_test"] for name in find_names(one["expr"])}
    wanted = frozenset(_spread(reached | asked, reads))
    kept = {file: one for file, one in rules.items() if _cut_rules(one, wanted)["groups"]}
    for test in tests:
        test["input_series"] = [one for one in test["input_series"] if _is_wanted(str(one["series"]), wanted)]
    present = {group["name"] for one in kept.values() for group in _cut_rules(one, wanted)["groups"]}
    cut = {
        "rule_files": [f"rules-{number}.yml" for number in range(len(kept))],
        "evaluation_interval": document.get("evaluation_interval", "1m"),
        "group_eval_order": [name for name in document.get("group_eval_order", ()) if name in present],
        "tests": tests,
    }
    return Case(path.name, cut, kept, wanted)


def _is_wanted(series: str, wanted: frozenset[str]) -> bool:
    # a selector without a name may read any series
    return "" in wanted or series.partition("{")[0].strip() in wanted


def _cut_test(test: Document, reached: set[str]) -> Document | None:
    alerts = [one for one in test.get("alert_rule_test", ()) if one["alertname"] in reached]
    queries = [one for one in test.get("promql_expr_test", ()) if find_names(one["expr"]) & reached]
    if not alerts and not queries:
        return None
    return test | {"alert_rule_test": alerts, "promql_expr_test": queries}


def _cut_rules(document: Document, wanted: frozenset[str]) -> Document:
    groups = [
        group | {"rules": [rule for rule in group["rules"] if name_rule(rule) in wanted]}
        for group in document["groups"]
    ]
    return {"groups": [group for group in groups if group["rules"]]}
