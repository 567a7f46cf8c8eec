"""Settings of another team that a machine could take and that would make rules which never, or always, fire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.errors import ConfigError
from rules.build import render_rules
from rules.settings import DEFAULTS, FASTEST_BURN, ORDERED, SLO_BUCKETS, load_settings

SETTINGS = load_settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thresholds: {pool_saturated: 0}", "threshold pool_saturated must be between 0 and 1, and is 0"),
        ("thresholds: {postgres_frozen_age: 1e9}", "and is '1e9', which is text in YAML: write 1.0e+9"),
        ("thresholds: {pool_saturated: {valve: 0.5}}", "threshold pool_saturated: 'valve' is not known"),
        ("thresholds: {pool_saturated: {value: 0.5, unit: count}}", "is in ratio, which no settings change"),
        ("thresholds: {job_age_warning: 1000}", "job_age_warning must not be above job_age_page, and is 1000 against"),
        ("thresholds: {disk_trend_page: 0.5}", "threshold disk_trend_page must not be above disk_trend_warning"),
        ("thresholds: {job_age_page: 0}", "threshold job_age_page must be more than 0 seconds"),
        ("thresholds: []", "thresholds must be a mapping of names"),
        ("jobs: {api: web, worker: web}", "jobs.api and jobs.worker are both 'web'; give each its own"),
        ("jobs: {api: redis}", "jobs.api and jobs.redis are both 'redis'"),
        ("jobs: {api: web}\njobs: {worker: work}", "mine.yml, line 2: 'jobs' stands there for the second time"),
        ("jobs: {api: web, api: shop}", "mine.yml, line 1: 'api' stands there for the second time"),
        ("jobs: []", "jobs must be a mapping of names"),
        ("slos: {accept_latency: {seconds: 0.3}}", "0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.5; it is 0.3"),
        ("slos: {accept_to_stored: {seconds: 0.01}}", "one of 0.05, 0.1, 0.25, 0.5, 2.5; it is 0.01"),
        ("slos: {accept_latency: {objective: 1}}", "must be between 0 and 1, and is 1; at 1 nothing may fail"),
        ("slos: {accept_latency: {objective: 0.93}}", "must be above 0.931, and is 0.93: people are called when 14.4"),
        ("slos: {accept_latency: {objective: 0}}", "must be between 0 and 1, and is 0"),
    ],
)
def test_what_would_make_rules_that_do_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    mine = tmp_path / "mine.yml"
    mine.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_settings(mine)
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(mine))


def test_the_shipped_settings_are_held_to_the_same(tmp_path: Path) -> None:
    """As a file of another team, they pass every check and change nothing."""
    assert load_settings(DEFAULTS) == SETTINGS
    buckets = {name for name, slo in SETTINGS.slos.items() if "seconds" in slo}
    assert buckets == SLO_BUCKETS.keys()
    pairs = {name.removesuffix("_warning") for name in SETTINGS.thresholds if name.endswith("_warning")}
    paged = {name for name in pairs if f"{name}_page" in SETTINGS.thresholds}
    assert {frozenset((f"{name}_warning", f"{name}_page")) for name in paged} <= {frozenset(pair) for pair in ORDERED}


def test_a_bucket_and_a_long_number_are_taken_as_they_are(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yml"
    mine.write_text(
        "slos: {accept_latency: {seconds: 0.1}}\nthresholds: {postgres_frozen_age: 1234567}\n", encoding="utf-8"
    )
    built = render_rules(load_settings(mine))
    assert 'le="0.1"}' in built[Path("rules/slo.yml")]
    assert "> 1234567" in built[Path("alerts/postgresql.yml")]


def test_the_fastest_burn_is_that_of_the_rules() -> None:
    built = render_rules(SETTINGS)[Path("alerts/slo.yml")]
    assert max(map(float, re.findall(r"([\d.]+) \* slo:palmonas_slo_budget:ratio", built))) == FASTEST_BURN
