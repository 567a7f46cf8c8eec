"""Every small way to spoil a rule: what a slip of the hand, or a wrong idea of PromQL, would make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as ast

from rules.scale import scale_duration

FLIPPED = {">": "<", "<": ">", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
SETS = ("and", "or", "unless")

# A text is a token, so that nothing in it is taken for an operator; =~ and its like stand in selectors only.
_TOKENS = re.compile(r'"(?:\\.|[^"\\])*"|\{[^}]*\}|\[[^\]]*\]|(?P<compare>==|!=|>=|<=|>|<)(?! *bool)')
_NUMBER = re.compile(r"(?P<space>\s*)(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.:])")
_SELECTOR = re.compile(r"\{([^}]*)\}")
_MATCHER = re.compile(r'\w+\s*(?:=~|!~|!=|=)\s*"(?:\\.|[^"\\])*"')
_GROUPING = re.compile(r"\b(by|on|without|ignoring) \(([^)]*)\)")
_WINDOW = re.compile(r"\[(\d+)(ms|s|m|h|d|w)")


@dataclass(frozen=True)
class Mutation:
    """A rule's expression and `for` after one change; `change` says which."""

    change: str
    expr: str
    hold: str | None


def list_mutations(expr: str, hold: str | None) -> Iterator[Mutation]:
    """Every mutation of a rule; `hold` is an alert's `for`, None for a recording rule or an alert without one."""
    text = str(ast.parse(expr))
    seen = {text}
    for change, mutated in _mutate(text):
        # "and" of two sides that read alike, or a label in a list twice, would come out the same
        if mutated not in seen:
            seen.add(mutated)
            yield Mutation(change, mutated, hold)
    if hold:
        yield Mutation("for removed", text, None)
        yield Mutation("for doubled", text, scale_duration(hold, 1 / 2))


def _mutate(text: str) -> Iterator[tuple[str, str]]:
    yield from _flip_comparisons(text)
    yield from _scale_thresholds(text)
    yield from _drop_matchers(text)
    yield from _drop_labels(text)
    yield from _change_windows(text)
    yield from _remove_sides(text)


def _comparisons(text: str) -> Iterator[re.Match[str]]:
    return (match for match in _TOKENS.finditer(text) if match["compare"])


def _flip_comparisons(text: str) -> Iterator[tuple[str, str]]:
    for match in _comparisons(text):
        flipped = FLIPPED[match["compare"]]
        yield f"{_place(text, match)} flipped to {flipped}", text[: match.start()] + flipped + text[match.end() :]


def _scale_thresholds(text: str) -> Iterator[tuple[str, str]]:
    for match in _comparisons(text):
        number = _NUMBER.match(text, match.end())
        if number is None or float(number["number"]) == 0:
            continue
        for factor, word in ((2, "doubled"), (0.5, "halved")):
            scaled = f"{float(number['number']) * factor:g}"
            yield (
                f"{_place(text, match)} {word}",
                text[: number.start("number")] + scaled + text[number.end("number") :],
            )


def _place(text: str, match: re.Match[str]) -> str:
    """A comparison with what follows it, and its turn when there are several alike."""
    number = _NUMBER.match(text, match.end())
    shown = match["compare"] + (f" {number['number']}" if number else "")
    return f"{shown} (at {sum(1 for other in _comparisons(text) if other.start() < match.start()) + 1})"


def _drop_matchers(text: str) -> Iterator[tuple[str, str]]:
    for selector in _SELECTOR.finditer(text):
        matchers = _MATCHER.findall(selector[1])
        for index, matcher in enumerate(matchers):
            left = ", ".join(matchers[:index] + matchers[index + 1 :])
            nth = sum(1 for other in _SELECTOR.finditer(text) if other.start() < selector.start()) + 1
            mutated = text[: selector.start(1)] + left + text[selector.end(1) :]
            yield f"matcher {matcher} dropped (selector {nth})", mutated


def _drop_labels(text: str) -> Iterator[tuple[str, str]]:
    for nth, grouping in enumerate(_GROUPING.finditer(text), start=1):
        labels = [label.strip() for label in grouping[2].split(",") if label.strip()]
        for index, label in enumerate(labels):
            left = ", ".join(labels[:index] + labels[index + 1 :])
            yield (
                f"{grouping[1]} without {label} (grouping {nth})",
                text[: grouping.start(2)] + left + text[grouping.end(2) :],
            )


def _change_windows(text: str) -> Iterator[tuple[str, str]]:
    windows = list(_WINDOW.finditer(text))
    for duration in sorted({match[1] + match[2] for match in windows}):
        for factor in (1 / 4, 4):
            changed = scale_duration(duration, factor)
            # all windows of one length at once: they belong together as a rule
            yield f"window {duration} to {changed}", text.replace(f"[{duration}", f"[{changed}")


def _remove_sides(text: str) -> Iterator[tuple[str, str]]:
    for nth, node in enumerate(_set_operations(ast.parse(text)), start=1):
        whole = str(node)
        for side, kept in (("left", node.rhs), ("right", node.lhs)):
            yield f"{side} side of {node.op} removed (operation {nth})", text.replace(whole, str(kept), 1)


def _set_operations(tree: ast.Expr) -> list[ast.BinaryExpr]:
    found: list[ast.BinaryExpr] = []

    def collect(node: ast.Expr) -> None:
        if isinstance(node, ast.BinaryExpr) and str(node.op) in SETS:
            found.append(node)

    ast.walk(tree, pre_visit=collect)
    return found
