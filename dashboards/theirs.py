"""What queries of dashboards that are not ours may name: anything, or what a list or a scrape of theirs has."""

from __future__ import annotations

import re
from pathlib import Path

from app.errors import UsageError
from rules.contract import OF_SCRAPES, TARGET_LABELS, Metric, known_metrics
from rules.scrapes import read_scrape

ALWAYS = frozenset({*OF_SCRAPES, "ALERTS", "ALERTS_FOR_STATE"})
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_VARIABLE = r"(?:\$\w+|\$\{[^}]*\}|\[\[\w+\]\])"


def find_metrics(text: str, kinds: dict[str, str] | None) -> dict[str, Metric]:
    """Whatever `text`, a query and its legend, may name as a metric, with every label that it may mean.

    Which labels a metric of theirs has is not known, but which of them a query sums away is. `kinds` by name: what
    there is; None: not known, so that every name is right.
    """
    words = frozenset(_NAME.findall(text))
    known = {"": Metric("", "unknown", words | TARGET_LABELS, "")}  # a selector by __name__
    for name in words if kinds is None else words & (kinds.keys() | ALWAYS):
        known[name] = Metric(name, (kinds or {}).get(name) or _guess_kind(name), words | TARGET_LABELS, name)
    return known


def _guess_kind(name: str) -> str:
    ours = known_metrics().get(name)
    return ours.kind if ours else "counter" if name.endswith(("_total", "_bucket")) else "unknown"


def has_choice(expr: str) -> bool:
    """Whether a variable of the dashboard, and not of Grafana itself, is in `expr`: it may stand for anything."""
    return re.search(r"\$\{?(?!__)\w|\[\[", expr) is not None


def fill_in(expr: str) -> str:
    """`expr` with something that parses in the place of their variables."""
    expr = re.sub(r"\[[^\]\"]*\]", lambda found: re.sub(_VARIABLE, "5m", found[0]), expr)
    return re.sub(_VARIABLE, "1", expr)


def read_kinds(path: Path) -> dict[str, str]:
    """The kind of each metric of a list of names (one a line, kind not told: "") or of a /metrics page.

    Raises UsageError when it is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        names = [line.strip() for line in text.splitlines() if line.strip()]
        if all(_NAME.fullmatch(name) for name in names):
            kinds = dict.fromkeys(names, "")
        else:
            kinds = {one.name: one.kind for one in read_scrape(path)}
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is neither a /metrics page nor a list of names, one a line: {error}") from error
    if not kinds:
        raise UsageError(f"{path} names no metric")
    return kinds
