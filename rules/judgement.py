"""What PromQL allows and a rule must not do: ratios without a guard, averages of averages, a hidden worst instance.

Every finding says where it stands and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import promql_parser as ast

from rules.contract import Reader, known_metrics
from rules.files import ROOT, Alert, Recording

AVERAGES = frozenset({"avg"})
AVERAGES_OVER_TIME = frozenset({"avg_over_time"})
# Recorded series that are averages or ratios already, by the operation in their name.
_AVERAGED = re.compile(r":(?:[a-z0-9_]*_)?(?:ratio|mean|p\d+)(?:_|$)")
# What one process has at most: a pool, its places for requests, its file descriptors.
_CAPACITY = re.compile(r"(?:_max|_max_fds)$")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one rule."""

    file: str
    line: int
    rule: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.problem}"


def judge_rule(rule: Recording | Alert, root: Path = ROOT) -> list[Finding]:
    """What is wrong with a rule, beyond names and labels (that is `rules.contract`)."""
    tree = ast.parse(rule.expr)
    problems = [*_find_bare_ratios(tree), *_find_averages(tree)]
    if isinstance(rule, Alert):
        problems += _find_hidden_instance(tree)
    line = find_line(rule, root)
    return [Finding(rule.file, line, rule.name, problem) for problem in problems]


def find_line(rule: Recording | Alert, root: Path = ROOT) -> int:
    """The line on which the rule's name stands, 1 for the first; 0 when the file does not have it."""
    word = "alert" if isinstance(rule, Alert) else "record"
    lines = (root / rule.file).read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.endswith(f"{word}: {rule.name}")), 0)


def _walk(tree: ast.Expr) -> list[ast.Expr]:
    found: list[ast.Expr] = []
    ast.walk(tree, pre_visit=found.append)
    return found


def _find_bare_ratios(tree: ast.Expr) -> Iterator[str]:
    for node in _walk(tree):
        if isinstance(node, ast.BinaryExpr) and str(node.op) == "/" and not _is_guarded(node.rhs):
            yield (
                f"divides by {str(node.rhs)[:60]}, which may be 0, and 0/0 fires nothing or everything: "
                f"write / (... > 0)"
            )


def _is_guarded(node: ast.Expr) -> bool:
    """A number, or something compared so that 0 is left out."""
    match node:
        case ast.ParenExpr():
            return _is_guarded(node.expr)
        case ast.NumberLiteral():
            return float(str(node)) != 0
        case ast.Call():
            return node.func.name in {"time", "clamp_min"}
        case ast.BinaryExpr():
            return _is_guarded_operation(node)
        case _:
            return False


def _is_guarded_operation(node: ast.BinaryExpr) -> bool:
    operator = str(node.op)
    if operator in {">", "!="}:
        return isinstance(node.rhs, ast.NumberLiteral)
    if operator == ">=":
        return isinstance(node.rhs, ast.NumberLiteral) and float(str(node.rhs)) > 0
    if operator in {"and", "unless"}:  # they narrow, so that the left side counts
        return _is_guarded(node.lhs)
    # a sum or a difference of two that are not 0 may well be 0
    return operator in {"*", "/", "or"} and _is_guarded(node.lhs) and _is_guarded(node.rhs)


def _find_averages(tree: ast.Expr) -> Iterator[str]:
    for node in _walk(tree):
        if isinstance(node, ast.AggregateExpr) and str(node.op) in AVERAGES:
            inner: ast.Expr = node.expr
        elif isinstance(node, ast.Call) and node.func.name in AVERAGES_OVER_TIME:
            inner = node.args[0]
        else:
            continue
        if _is_average(inner):
            yield (
                f"averages what is an average already: {str(inner)[:60]}. A quiet instance weighs as much as a busy "
                "one then: divide the sum by the sum"
            )


def _is_average(node: ast.Expr) -> bool:
    for part in _walk(node):
        if isinstance(part, ast.VectorSelector) and _AVERAGED.search(part.name or ""):
            return True
        if isinstance(part, ast.BinaryExpr) and str(part.op) == "/" and not isinstance(part.rhs, ast.NumberLiteral):
            return True
        if isinstance(part, ast.Call) and part.func.name == "histogram_quantile":
            return True
    return False


def _find_hidden_instance(tree: ast.Expr) -> Iterator[str]:
    """A share of what each process has at most, summed over processes: one full process does not show in it."""
    for node in _walk(tree):
        if not (isinstance(node, ast.BinaryExpr) and str(node.op) == "/"):
            continue
        names = {part.name for part in _walk(node.rhs) if isinstance(part, ast.VectorSelector)}
        if not any(_CAPACITY.search(name or "") for name in names):
            continue
        if "instance" not in Reader(known_metrics()).read(str(node)):
            yield (
                f"sums instance away in {str(node)[:60]}: one full process hides among idle ones. "
                "Keep instance in by (...), or take the max of the shares of each"
            )
