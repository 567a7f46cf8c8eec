"""Reading metrics in tests: of this process, and of a scrape of another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def read_value(instrument: Any, suffix: str = "", **labels: str) -> float:
    """The sum of an instrument's samples whose name ends with `suffix` and that carry `labels`; 0 if none does."""
    return sum(
        sample.value
        for family in instrument.collect()
        for sample in family.samples
        if sample.name.endswith(suffix) and _carries(sample.labels, labels)
    )


def parse_scrape(text: str) -> list[Sample]:
    """All samples of one /metrics page."""
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def read_scrape(text: str, name: str, **labels: str) -> float:
    """The sum of the samples `name` that carry `labels`; 0 if none does."""
    return sum(one.value for one in parse_scrape(text) if one.name == name and _carries(one.labels, labels))


def _carries(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(found.get(name) == value for name, value in wanted.items())
