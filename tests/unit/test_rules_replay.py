"""A backtest applies `for` to each series, and counts what would have called somebody."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser as ast
import pytest

from app.errors import UsageError
from rules.build import write_rules
from rules.expand import expand
from rules.files import Recording, read_alerts, read_recordings
from rules.replay import Firing, count_flaps, find_firings, read_candidates
from rules.settings import load_settings

CANDIDATE = """
groups:
  - name: x
    rules:
      - {record: "a:b:c", expr: up}
      - {alert: Down, expr: up == 0, for: 30s, labels: {severity: page}}
"""


def every(step: int, start: int, end: int) -> list[float]:
    return [float(time) for time in range(start, end + 1, step)]


@pytest.mark.parametrize(
    ("times", "hold", "firings"),
    [
        ([], 0, []),
        ([100.0], 0, [Firing(100, 115)]),
        ([100.0], 15, []),
        (every(15, 100, 145), 45, [Firing(145, 160)]),
        (every(15, 100, 130), 45, []),
        (every(15, 100, 130) + every(15, 190, 205), 15, [Firing(115, 145), Firing(205, 220)]),
        ([*every(15, 100, 130), 146.0], 30, [Firing(130, 161)]),
    ],
)
def test_a_series_fires_after_its_hold(times: list[float], hold: float, firings: list[Firing]) -> None:
    assert list(find_firings(times, 15, hold)) == firings


def test_a_firing_soon_after_another_is_a_flap() -> None:
    assert count_flaps([Firing(0, 60), Firing(100, 160), Firing(2000, 2060)]) == 1


@pytest.mark.parametrize("text", ["", "groups: 3", "a: [", "groups: [{name: x, rules: [{record: 'a:b:c', expr: up}]}]"])
def test_a_file_without_alerts_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"is no rule file|has no alerts"):
        read_candidates(tmp_path / "x.yml")


def test_the_alerts_of_a_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(CANDIDATE, encoding="utf-8")
    candidates = read_candidates(tmp_path / "x.yml")
    (alert,), (recording,) = candidates.alerts, candidates.recordings
    assert (recording.name, recording.expr) == ("a:b:c", "up")
    assert (alert.name, alert.expr, alert.hold) == ("Down", "up == 0", "30s")
    with pytest.raises(UsageError, match="cannot read"):
        read_candidates(tmp_path / "none.yml")


def test_what_rules_build_writes_is_read_as_a_whole(tmp_path: Path) -> None:
    write_rules(load_settings(), tmp_path)
    (tmp_path / "mine.yml").write_text("areas: [api]\n", encoding="utf-8")
    candidates = read_candidates(tmp_path)
    assert {alert.path for alert in candidates.alerts} == {alert.path for alert in read_alerts()}
    assert {(one.name, one.labels) for one in candidates.recordings} == {
        (one.name, one.labels) for one in read_recordings()
    }


def test_every_recorded_series_of_ours_can_be_written_out() -> None:
    rules: dict[str, list[Recording]] = {}
    for rule in read_recordings():
        rules.setdefault(rule.name, []).append(rule)
    for alert in read_alerts():
        written = expand(alert.expr, lambda name: rules.get(name, []), 15)
        ast.parse(written)
        assert not [name for name in rules if re.search(rf"(?<![\w:]){name}(?![\w:])", written)], alert.name


@pytest.mark.parametrize(
    ("expr", "written"),
    [
        ("up", "up"),
        ('"a:b:c" == a:b:d', '"a:b:c" == a:b:d'),
        ("a:b:c > 1", "(\n(\nup\n)\n) > 1"),
        ("sum_over_time(a:b:c[5m])", "sum_over_time((\n(\nup\n)\n)[5m:15000ms])"),
        ("sum_over_time(a:b:c[5m:1m] offset 1h)", "sum_over_time((\n(\nup\n)\n)[5m:1m] offset 1h)"),
        ("a:b:c offset 1w", "last_over_time((\n(\nup\n)\n)[15000ms:15000ms] offset 1w)"),
    ],
)
def test_a_recorded_series_is_written_out(expr: str, written: str) -> None:
    rules = {"a:b:c": [Recording("a:b:c", "up", "x.yml")]}
    assert expand(expr, lambda name: rules.get(name, []), 15) == written


def test_only_the_rules_that_fit_the_labels_are_written_out() -> None:
    rules = [Recording("a:b", expr, "x.yml", (("slo", expr),)) for expr in ("one", "two")]
    written = expand('a:b{slo=~"one|three"}', lambda _name: rules if _name == "a:b" else (), 15)
    assert "two" not in written
    assert 'label_replace((\none\n), "slo", "one", "", "")' in written
