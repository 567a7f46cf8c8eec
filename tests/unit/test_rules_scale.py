"""The scaled rules of the drills: every duration is scaled, nothing else is different, and promtool takes them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.build import render_rules
from rules.scale import (
    WALL_CLOCK,
    keeps_value,
    read_duration,
    render_scaled,
    scale_duration,
    scale_expression,
    scale_settings,
)
from rules.settings import load_settings
from stack.binaries import find_program

FACTOR = 10.0
SETTINGS = load_settings()
DURATION = re.compile(r"\b(?:\d+(?:ms|[smhdwy]))+\b")


def list_rules(files: dict[Path, str]) -> list[dict[str, Any]]:
    return [
        rule for _, text in sorted(files.items()) for group in yaml.safe_load(text)["groups"] for rule in group["rules"]
    ]


PAIRS = list(
    zip(
        # the thresholds are not what is compared here: they are scaled on both sides
        list_rules(render_rules(scale_settings(SETTINGS, FACTOR))),
        list_rules(render_scaled(SETTINGS, FACTOR)),
        strict=True,
    )
)


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("15s", 15), ("1h30m", 5400), ("250ms", 0.25), ("1d", 86400)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5x", "m5", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "scaled"), [("0s", "0s"), ("5m", "30s"), ("15s", "1500ms"), ("1h30m", "540s"), ("1ms", "1ms")]
)
def test_durations_are_scaled(text: str, scaled: str) -> None:
    assert scale_duration(text, FACTOR) == scaled


@pytest.mark.parametrize(
    ("expr", "scaled"),
    [
        ("rate(x_total[5m]) > 0.1", "rate(x_total[30s]) > 0.1"),
        ("max_over_time(x[1h:1m]) > 5", "max_over_time(x[360s:6s]) > 5"),
        ("max_over_time(x[1h:]) > 5", "max_over_time(x[360s:]) > 5"),
        ("x - x offset 1w", "x - x offset 60480s"),
        ("x offset -1h", "x offset -360s"),
        ('x{path="/a[5m] offset 1h"} > 5', 'x{path="/a[5m] offset 1h"} > 5'),
        ("x{path=~'a[5m]'}[5m]", "x{path=~'a[5m]'}[30s]"),
        ("x # over [5m]\n > 5", "x # over [5m]\n > 5"),
        ("job:x:rate5m > 5", "job:x:rate5m > 5"),
    ],
)
def test_only_windows_and_offsets_of_an_expression_change(expr: str, scaled: str) -> None:
    assert scale_expression(expr, FACTOR) == scaled


def test_all_rules_are_there_and_in_order() -> None:
    assert len(PAIRS) > 40
    for shipped, scaled in PAIRS:
        for field in ("record", "alert", "labels", "annotations"):
            assert scaled.get(field) == shipped.get(field)


def test_every_duration_of_every_rule_is_scaled_and_nothing_else() -> None:
    seen = 0
    for shipped, scaled in PAIRS:
        assert shipped.keys() == scaled.keys()
        for field in {"expr", "for", "keep_firing_for"} & shipped.keys():
            # what is in quotes is a label's value: window="1h"
            before, after = (DURATION.findall(re.sub('"[^"]*"', '""', one[field])) for one in (shipped, scaled))
            assert [read_duration(one) / FACTOR for one in before] == [read_duration(one) for one in after], shipped
            assert DURATION.sub("_", shipped[field]) == DURATION.sub("_", scaled[field])
            seen += len(before)
    assert seen > 40


def test_thresholds_in_seconds_are_scaled_unless_they_are_latencies() -> None:
    scaled = scale_settings(SETTINGS, FACTOR).thresholds
    for name, threshold in SETTINGS.thresholds.items():
        divisor = 1 if keeps_value(name, threshold) else FACTOR
        assert scaled[name].value == threshold.value / divisor, name
    assert scaled["job_age_page"].value == 90
    assert scaled["pool_saturated"].value == 0.8
    assert scaled["sweep_age_page"].value == SETTINGS.thresholds["sweep_age_page"].value
    assert all(name in SETTINGS.thresholds for name in WALL_CLOCK)


def test_factor_one_is_what_is_shipped() -> None:
    for shipped, same in zip(list_rules(render_rules(SETTINGS)), list_rules(render_scaled(SETTINGS, 1)), strict=True):
        assert read_duration(shipped.get("for", "0s")) == read_duration(same.get("for", "0s"))
        assert {k: v for k, v in shipped.items() if k not in ("expr", "for", "keep_firing_for")} == {
            k: v for k, v in same.items() if k not in ("expr", "for", "keep_firing_for")
        }


def test_promtool_takes_the_scaled_rules(tmp_path: Path) -> None:
    promtool = find_program("promtool")
    assert promtool, "promtool comes with Debian's prometheus package"
    paths = []
    for name, text in render_scaled(SETTINGS, FACTOR).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    done = subprocess.run([promtool, "check", "rules", *paths], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
