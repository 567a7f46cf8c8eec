"""The large installation that `make bench` measures the rules with: it has what they read."""

from __future__ import annotations

from rules.contract import Reader, known_metrics
from rules.files import read_alerts, read_recordings
from rules.scrapes import read_scrapes
from tests.bench.fleet import make_fleet

# Prometheus writes these itself, of its scrapes and rules.
OWN = {"ALERTS", "scrape_samples_post_metric_relabeling", "up"}


def test_fleet_has_every_metric_that_a_rule_reads() -> None:
    reader, recordings = Reader(known_metrics()), read_recordings()
    for expr in [one.expr for one in read_alerts()] + [one.expr for one in recordings]:
        reader.read(expr)
    there = {series.name for target in make_fleet() for series in target.series}
    # The fleet's exporters are the oldest that are recorded; rules that bridge versions read newer ones' names, too.
    newer = {name for name, each in read_scrapes().items() if all("0.11" not in one.file for one in each)}
    missing = reader.used - there - OWN - {rule.name for rule in recordings}
    assert sorted(missing - {name for name in newer if name.startswith("pg_")}) == []
