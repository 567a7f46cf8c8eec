"""The rules are built from templates and settings; another team's settings give another team's rules."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from app.errors import PalmonasError
from cli.main import palmonas
from rules.build import TEMPLATES, find_drift, render_rules, write_rules
from rules.settings import ROOT, Threshold, load_settings

SETTINGS = load_settings()


def test_committed_rules_are_up_to_date() -> None:
    assert find_drift(SETTINGS) == []


def test_built_rules_are_plain_yaml() -> None:
    for name, text in render_rules(SETTINGS).items():
        assert yaml.safe_load(text)["groups"], name
        assert not any(mark in text for mark in ("<<", ">>", "<%", "%>"))


def test_every_template_belongs_to_an_area() -> None:
    there = {path.stem for path in TEMPLATES.glob("*/*.yml")}
    assert there == set(SETTINGS.areas)


@pytest.mark.parametrize("name", SETTINGS.thresholds)
def test_every_threshold_is_used(name: str) -> None:
    used = re.compile(rf"\blimits\.{name}\b")
    assert any(used.search(path.read_text(encoding="utf-8")) for path in TEMPLATES.glob("*/*.yml"))


def test_another_team_builds_its_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yml"
    mine.write_text("areas: [api, pools]\njobs: {api: shop}\nthresholds: {pool_saturated: 0.65}\n", encoding="utf-8")
    out = tmp_path / "out"
    done = CliRunner().invoke(palmonas, ["rules", "build", "--settings", str(mine), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.yml")} == {
        f"{kind}/{area}.yml" for kind in ("rules", "alerts") for area in ("api", "pools")
    }
    built = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*.yml"))
    assert 'up{job="shop"}' in built
    assert '"palmonas-api"' not in built
    assert "above 65 % for" in built
    assert find_drift(SETTINGS) == []


def test_of_areas_that_are_not_built_nothing_is_expected() -> None:
    """Who has no HAProxy and no Redis is not told for ever that nothing of them answers."""
    rendered = render_rules(replace(SETTINGS, areas=("api", "queues", "monitoring")))
    text = rendered[Path("alerts/monitoring.yml")]
    absent = text[text.index("- alert: TargetAbsent") :].partition("for: 2m")[0]
    assert f'absent(up{{job="{SETTINGS.jobs["worker"]}"}})' in absent
    assert not [part for part in ("haproxy", "redis", "postgresql", "node") if f'"{SETTINGS.jobs[part]}"' in absent]
    assert 'job=~"palmonas-worker|prometheus|alertmanager|redis-replica|blackbox|process|loki|alloy"' in absent


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs: {apis: shop}", "job 'apis' is not known; there are: api, worker"),
        ("jobs: {api: 'a b\"'}", "jobs.api must be the text of a job label"),
        ("thresholds: {pool_saturated: much}", "threshold pool_saturated must be a number (ratio), and is 'much'"),
        ("thresholds: {pool_saturated: true}", "threshold pool_saturated must be a number (ratio), and is True"),
        ("thresholds: {pool_saturated: 80}", "threshold pool_saturated must be between 0 and 1, and is 80"),
        ("thresholds: {job_age_page: -1}", "threshold job_age_page must be 0 or more, and is -1"),
        ("thresholds: {job_age_page: .nan}", "threshold job_age_page must be 0 or more"),
        ("thresholds: {pool_fill: 1}", "threshold 'pool_fill' is not known; there are: pool_saturated"),
        ("slos: {accept_latency: {seconds: 1}}", "slo accept_latency.seconds must be a bucket's bound"),
        ("slos: {accept_latency: {objective: 99}}", "slo accept_latency.objective must be between 0 and 1, and is 99"),
        ("slos: {accept_latency: {goal: 1}}", "slo accept_latency: 'goal' is not known; there are: objective, seconds"),
        ("areas: [api, web]", "area 'web' is not known; there are: api"),
        ("areas: []", "areas must be a list of one or more of: api"),
        ("colours: {}", "section 'colours' is not known; there are: areas, jobs, thresholds, slos"),
        ("jobs: [api]", "jobs must be a mapping of names"),
        ("", "is empty or no mapping"),
        ("jobs: {", "is not YAML"),
    ],
)
def test_settings_that_do_not_fit_are_named_and_nothing_is_written(tmp_path: Path, text: str, said: str) -> None:
    mine, out = tmp_path / "mine.yml", tmp_path / "out"
    mine.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(palmonas, ["rules", "build", "--settings", str(mine), "--out", str(out)])
    assert isinstance(done.exception, PalmonasError)
    assert said in str(done.exception)
    assert not out.exists()


def test_settings_go_with_a_directory(tmp_path: Path) -> None:
    done = CliRunner().invoke(palmonas, ["rules", "build", "--settings", str(tmp_path / "none.yml")])
    assert "--settings needs --out" in str(done.exception)
    done = CliRunner().invoke(
        palmonas, ["rules", "build", "--settings", str(tmp_path / "none.yml"), "--out", str(tmp_path / "out")]
    )
    assert "cannot read" in str(done.exception)


def test_what_was_changed_by_hand_is_found_and_written_anew(tmp_path: Path) -> None:
    write_rules(SETTINGS, tmp_path)
    changed = tmp_path / "alerts/pools.yml"
    changed.write_text(changed.read_text(encoding="utf-8").replace("> 0.8", "> 0.9"), encoding="utf-8")
    (tmp_path / "alerts/old.yml").write_text("groups: []\n", encoding="utf-8")
    assert [path.name for path in find_drift(SETTINGS, tmp_path)] == ["old.yml", "pools.yml"]
    done = CliRunner().invoke(palmonas, ["rules", "build", "--check", "--out", str(tmp_path)])
    assert "alerts/pools.yml" in str(done.exception)
    assert [path.name for path in write_rules(SETTINGS, tmp_path)] == ["old.yml", "pools.yml"]
    assert find_drift(SETTINGS, tmp_path) == []


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "alerts").write_text("", encoding="utf-8")
    with pytest.raises(PalmonasError, match="cannot write rules to"):
        write_rules(SETTINGS, tmp_path)


def test_numbers_are_told_as_people_say_them() -> None:
    from rules.build import _duration, _percent

    assert [_duration(Threshold(value, "seconds", "")) for value in (300, 90, 3600, 60, 86400, 0.5)] == [
        "5 minutes",
        "90 seconds",
        "1 hour",
        "1 minute",
        "1 day",
        "0.5 seconds",
    ]
    assert _percent(Threshold(0.85, "ratio", "")) == "85 %"


def test_settings_are_where_the_readme_says() -> None:
    assert (ROOT / "prometheus/settings.yml").is_file()
