"""Recorded series written out as what they are recorded from, for a past in which nobody recorded them yet.

A rule's result has no range, no offset and no matchers of its own: a range becomes a subquery, an offset one of a
single step, and what matchers would keep is marked with label_replace and joined. Prometheus is asked nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import promql_parser as ast

from rules.files import Recording

# A recorded name -> its rules when it is to be written out, nothing when it stays.
Find = Callable[[str], Sequence[Recording]]

_QUOTED = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`"""
# Text in quotes and comments come first, so that nothing inside them is taken for a name.
_SELECTOR = re.compile(
    rf"(?P<kept>{_QUOTED}|\#[^\n]*)"
    r"|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    rf"(?P<matchers>\s*\{{(?:{_QUOTED}|[^}}\"'`])*\}})?"
    r"(?P<window>\s*\[[^\]]*\])?"
    r"(?P<offset>\s*\boffset\s+-?\s*(?:\d+(?:ms|[smhdwy]))+)?"
)
_MARK = "kept_by_matcher"
_MARKED = f'label_replace(vector(1), "{_MARK}", "1", "", "")'


def expand(expr: str, find: Find, step_s: float) -> str:
    """`expr` with every recorded series that `find` knows written out, `step_s` seconds apart where a range is read.

    A rule that reads itself stays as it is. Raises ValueError for matchers that are no PromQL.
    """
    step = f"{max(1, round(step_s * 1000))}ms"

    def write_out(found: re.Match[str]) -> str:
        name = found["name"]
        rules = find(name) if name else ()
        if not rules:
            return found[0]
        selector = ast.parse(name + (found["matchers"] or ""))
        assert isinstance(selector, ast.VectorSelector)
        matchers = selector.matchers.matchers
        parts = [
            part for rule in rules if (part := _write_rule(rule, matchers, _without(find, name), step_s)) is not None
        ]
        # no rule fits the matchers: what no rule would have recorded
        whole = "(\n" + "\nor\n".join(parts or ["vector(0) < 0"]) + "\n)"
        offset = found["offset"] or ""
        if found["window"]:
            window = found["window"].strip()
            return whole + (window if ":" in window else f"{window[:-1]}:{step}]") + offset
        return f"last_over_time({whole}[{step}:{step}]{offset})" if offset else whole

    return _SELECTOR.sub(write_out, expr)


def _without(find: Find, name: str) -> Find:
    return lambda other: () if other == name else find(other)


def _write_rule(rule: Recording, matchers: Sequence[ast.Matcher], find: Find, step_s: float) -> str | None:
    """One rule's series under `matchers`; None when its own labels do not fit them."""
    own = dict(rule.labels)
    text = f"(\n{expand(rule.expr, find, step_s)}\n)"
    for matcher in matchers:
        if matcher.name in own and not _fits(matcher, own[matcher.name]):
            return None
        if matcher.name not in own:
            text = _keep(text, matcher)
    for label, value in own.items():
        text = f'label_replace({text}, "{label}", {quote(value)}, "", "")'
    return text


def _fits(matcher: ast.Matcher, value: str) -> bool:
    try:
        same = re.fullmatch(_read_pattern(matcher), value) is not None
    except re.error as error:
        raise ValueError(f"{matcher.value!r} is no pattern: {error}") from error
    return same is not _refuses(matcher)


def _keep(text: str, matcher: ast.Matcher) -> str:
    """The series of `text` that `matcher` would select."""
    marked = f'label_replace({text}, "{_MARK}", "1", "{matcher.name}", {quote(_read_pattern(matcher))})'
    word = "unless" if _refuses(matcher) else "and"
    return f'label_replace({marked} {word} on ({_MARK}) {_MARKED}, "{_MARK}", "", "", "")'


def _read_pattern(matcher: ast.Matcher) -> str:
    exact = matcher.op in (ast.MatchOp.Equal, ast.MatchOp.NotEqual)
    return re.escape(matcher.value) if exact else str(matcher.value)


def _refuses(matcher: ast.Matcher) -> bool:
    return matcher.op in (ast.MatchOp.NotEqual, ast.MatchOp.NotRe)


def quote(text: str) -> str:
    """As PromQL writes a text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def write_selector(selector: ast.VectorSelector) -> str:
    """The selector alone, without offset: its name and all its matchers."""
    written = [f"{one.name}{_read_sign(one)}{quote(one.value)}" for one in selector.matchers.matchers]
    return (selector.name or "") + ("{" + ", ".join(written) + "}" if written else "")


def _read_sign(matcher: ast.Matcher) -> str:
    if matcher.op in (ast.MatchOp.Equal, ast.MatchOp.NotEqual):
        return "!=" if _refuses(matcher) else "="
    return "!~" if _refuses(matcher) else "=~"
