"""A backtest applies `for` to each series, and counts what would have called somebody."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import UsageError
from rules.replay import Firing, count_flaps, find_firings, read_candidates

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
    (alert,) = read_candidates(tmp_path / "x.yml")
    assert (alert.name, alert.expr, alert.hold) == ("Down", "up == 0", "30s")
    with pytest.raises(UsageError, match="cannot read"):
        read_candidates(tmp_path / "none.yml")
