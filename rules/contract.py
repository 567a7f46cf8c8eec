"""The contract between metrics and queries: every expression is parsed and held against `app.telemetry`.

Found are: a metric that nobody declares, a label that a metric (or what is left of it) does not have, the
rate of a gauge, a counter without a rate, and a literal `le` that Prometheus 2 and 3 write differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import promql_parser as ast

from app import telemetry
from rules.files import Recording, read_recordings
from rules.scrapes import read_scrapes

# Put on every series by the scrape configuration. `role` only on the API's.
TARGET_LABELS = frozenset({"job", "instance", "role"})
# What Prometheus itself adds to each scrape.
OF_SCRAPES = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
# The labels of ALERTS are those of whatever fires; these are on all of ours.
OF_ALERTS = TARGET_LABELS | {"alertname", "severity", "area", "pool", "queue", "slo", "window"}
# A bound that is no whole number is written alike by both.
_FRACTION = re.compile(r"[0-9]+\.[0-9]*[1-9]")
RATES = frozenset({"rate", "irate", "increase", "resets"})
SLOPES = frozenset({"deriv", "delta", "idelta", "predict_linear"})
# Functions under which the bare value of a counter is meant: is it there, did it change.
PRESENCE = frozenset({"absent", "absent_over_time", "changes", "timestamp"})

# Stand-ins for Grafana's variables, so that a panel's query can be parsed.
GRAFANA = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h"}


@dataclass(frozen=True)
class Metric:
    """A series name as a query may write it. `source`: the declared family or recording rule behind it."""

    name: str
    kind: str
    labels: frozenset[str]
    source: str


def _spread(name: str, kind: str, labels: Iterable[str]) -> list[Metric]:
    """The series names of one family: a histogram has three."""
    has = frozenset(labels) | TARGET_LABELS
    if kind != "histogram":
        return [Metric(name, kind, has, name)]
    return [
        Metric(f"{name}_bucket", "counter", has | {"le"}, name),
        Metric(f"{name}_sum", "counter", has, name),
        Metric(f"{name}_count", "counter", has, name),
    ]


def _foreign_kind(name: str) -> str:
    if name.endswith("_duration_seconds"):
        return "histogram"
    return "counter" if name.endswith("_total") else "gauge"


@cache
def emitted() -> dict[str, Metric]:
    """Every series name that a process of ours, or Prometheus itself, emits."""
    found = [
        *(Metric(name, "gauge", TARGET_LABELS, name) for name in OF_SCRAPES),
        Metric("ALERTS", "gauge", OF_ALERTS | {"alertstate"}, "ALERTS"),
        Metric("ALERTS_FOR_STATE", "gauge", OF_ALERTS, "ALERTS_FOR_STATE"),
    ]
    for declared in telemetry.DECLARED.values():
        found += _spread(declared.name, declared.kind, declared.labels)
    for foreign in telemetry.FOREIGN:
        found += _spread(foreign.name, _foreign_kind(foreign.name), foreign.labels)
    known = {metric.name: metric for metric in found}
    for name, shapes in read_scrapes().items():
        labels = frozenset[str]().union(*(one.labels for one in shapes), TARGET_LABELS)
        if name in known:  # process_*: every exporter has them, and our processes, too
            labels |= known[name].labels
        known[name] = Metric(name, shapes[0].kind, labels, name)
    return known


class Reader:
    """Reads one expression: which metrics it uses, what is wrong with it, and which labels its result has."""

    def __init__(self, known: dict[str, Metric], advice: str = "declare it in app/telemetry.py") -> None:
        self.known = known
        self.advice = advice  # where a metric that is missing is to be declared
        self.used: set[str] = set()
        self.problems: list[str] = []

    def read(self, text: str) -> frozenset[str]:
        """The labels that `text` may leave on its result. Problems are collected in `problems`."""
        for variable, value in GRAFANA.items():
            text = text.replace(variable, value)
        try:
            tree = ast.parse(text)
        except ValueError as error:
            self.problems.append(f"does not parse: {error}")
            return frozenset()
        return self._labels(tree, None)

    def _labels(self, node: ast.Expr, function: str | None) -> frozenset[str]:
        """Labels of `node`'s result; `function` is the nearest call around it."""
        match node:
            case ast.VectorSelector():
                labels = self._selected(node, function, ranged=False)
            case ast.MatrixSelector():
                labels = self._selected(node.vector_selector, function, ranged=True)
            case ast.ParenExpr() | ast.UnaryExpr() | ast.SubqueryExpr():
                labels = self._labels(node.expr, function)
            case ast.AggregateExpr():
                labels = self._aggregated(node, function)
            case ast.BinaryExpr():
                labels = self._joined(node, function)
            case ast.Call():
                labels = self._called(node)
            case _:
                labels = frozenset()
        return labels

    def _selected(self, node: ast.VectorSelector, function: str | None, *, ranged: bool) -> frozenset[str]:
        name = node.name or ""
        metric = self.known.get(name)
        if metric is None:
            self.problems.append(f"nobody emits {name or 'a selector without a name'}: {self.advice}")
            return TARGET_LABELS
        self.used.add(name)
        for matcher in node.matchers.matchers:
            if matcher.name not in metric.labels:
                self.problems.append(f"{name} has no label {matcher.name}")
            if matcher.name == "le" and not _FRACTION.fullmatch(matcher.value):
                self.problems.append(f"{name} is matched on le, which Prometheus 2 and 3 write differently")
        if function in RATES and metric.kind not in {"counter", "unknown"}:
            self.problems.append(f"{function}() of {name}, which is a {metric.kind}")
        if function in SLOPES and metric.kind == "counter":
            self.problems.append(f"{function}() of {name}, which is a counter: use rate()")
        if metric.kind == "counter" and not ranged and function not in PRESENCE:
            self.problems.append(f"{name} is a counter and is used without rate() or increase()")
        return metric.labels

    def _aggregated(self, node: ast.AggregateExpr, function: str | None) -> frozenset[str]:
        inner = self._labels(node.expr, function)
        picks = node.prettify().startswith(("topk", "bottomk"))
        if node.modifier is None:
            return inner if picks else frozenset()
        named = frozenset(node.modifier.labels)
        for label in sorted(named - inner):
            self.problems.append(f"grouped by {label}, which is not there: {', '.join(sorted(inner))} are")
        if picks:
            return inner
        return inner & named if node.modifier.type == ast.AggModifierType.By else inner - named

    def _joined(self, node: ast.BinaryExpr, function: str | None) -> frozenset[str]:
        left, right = self._labels(node.lhs, function), self._labels(node.rhs, function)
        if _is_scalar(node.lhs) or _is_scalar(node.rhs):
            return left | right
        modifier = node.modifier
        if modifier is None or modifier.matching is None:
            return left | right if str(node.op) == "or" else left
        named = frozenset(modifier.matching.labels)
        listed = modifier.matching.type == ast.LabelModifierType.Include
        for label in sorted(named - (left & right if listed else left | right)):
            self.problems.append(f"joined by {label}, which is not on both sides")
        if _is_set(modifier):
            return left | right if str(node.op) == "or" else left
        if modifier.card == ast.VectorMatchCardinality.ManyToOne:
            return left | frozenset(modifier.group_labels or ())
        if modifier.card == ast.VectorMatchCardinality.OneToMany:
            return right | frozenset(modifier.group_labels or ())
        return named if listed else left - named

    def _called(self, node: ast.Call) -> frozenset[str]:
        name = node.func.name
        inner = [self._labels(argument, name) for argument in node.args]
        labels = frozenset[str]().union(*inner)
        if name == "histogram_quantile":
            if "le" not in labels:
                self.problems.append("histogram_quantile() of something without le")
            return labels - {"le"}
        if name == "timestamp" and not _is_selector(node.args[0]):
            self.problems.append("timestamp() of what is calculated is the moment of the query: take a selector")
        if name in {"label_replace", "label_join"}:
            return labels | {str(node.args[1]).strip('"')}
        if name.startswith("absent"):
            return _pinned(node.args[0])
        if name in {"vector", "scalar", "time"}:
            return frozenset()
        return labels


def _is_selector(node: ast.Expr) -> bool:
    return _is_selector(node.expr) if isinstance(node, ast.ParenExpr) else isinstance(node, ast.VectorSelector)


def _pinned(node: ast.Expr) -> frozenset[str]:
    """The labels that absent() can still tell: those its selector compares with =."""
    selector = node.vector_selector if isinstance(node, ast.MatrixSelector) else node
    if not isinstance(selector, ast.VectorSelector):
        return frozenset()
    return frozenset(one.name for one in selector.matchers.matchers if one.op == ast.MatchOp.Equal)


def _is_scalar(node: ast.Expr) -> bool:
    match node:
        case ast.NumberLiteral():
            return True
        case ast.ParenExpr() | ast.UnaryExpr():
            return _is_scalar(node.expr)
        case ast.BinaryExpr():
            return _is_scalar(node.lhs) and _is_scalar(node.rhs)
        case ast.Call():
            return node.func.name in {"time", "scalar", "pi"}
        case _:
            return False


def _is_set(modifier: ast.BinModifier | None) -> bool:
    """`and`, `or`, `unless`: the only operators that match many to many."""
    return modifier is not None and modifier.card == ast.VectorMatchCardinality.ManyToMany


@cache
def known_metrics() -> dict[str, Metric]:
    """What queries may name: everything emitted, and our recording rules with the labels that they leave."""
    known = dict(emitted())
    for recording in read_recordings():
        reader = Reader(known)
        labels = reader.read(recording.expr) | {name for name, _ in recording.labels}
        if recording.name in known:
            labels |= known[recording.name].labels
        known[recording.name] = Metric(recording.name, "gauge", labels, recording.name)
    return known


def check_recording(recording: Recording) -> list[str]:
    """What is wrong with a recording rule, its name included."""
    reader = Reader(known_metrics())
    labels = reader.read(recording.expr) | {name for name, _ in recording.labels}
    level, *rest = recording.name.split(":")
    if len(rest) != 2:
        reader.problems.append("its name is not level:metric:operations")
    for label in sorted(labels - {"le"}):
        if label not in level:
            reader.problems.append(f"keeps the label {label}, which its level {level} does not name")
    return reader.problems


@cache
def _families_of_recording(name: str) -> frozenset[str]:
    reader = Reader(known_metrics())
    for one in read_recordings():
        if one.name == name:
            reader.read(one.expr)
    return frozenset(families(reader.used))


def families(names: Iterable[str]) -> set[str]:
    """The declared families behind series names, following recording rules down to what a process emits."""
    known = known_metrics()
    found: set[str] = set()
    for name in names:
        if name in emitted():
            found.add(known[name].source)
        else:
            found |= _families_of_recording(name)
    return found
