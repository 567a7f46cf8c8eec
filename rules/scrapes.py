"""What exporters that are not ours really emit: recorded scrapes, one file per exporter and version.

prometheus/scrapes/<exporter>-<version>.prom is the text of a scrape, trimmed to a few samples of each shape. The
contract takes names, kinds and labels from them, and the rules' tests must shape their inputs like them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "prometheus/scrapes"
SAMPLES_KEPT = 3  # of one name and one set of label names: enough to see what differs and what does not
# Everything else counts as a gauge. Exporters that do not say (node_vmstat_pswpin, untyped) may have meant either.
KINDS = {"counter": "counter", "histogram": "histogram", "unknown": "unknown", "untyped": "unknown"}


@dataclass(frozen=True)
class Scraped:
    """One sample name of a recorded scrape: its kind, and every set of label names that it came with."""

    name: str
    kind: str
    shapes: frozenset[frozenset[str]]
    file: str

    @property
    def labels(self) -> frozenset[str]:
        return frozenset[str]().union(*self.shapes)


def _kind_of(sample: Sample, family_kind: str) -> str:
    """A histogram's and a summary's parts count up; so do samples that say so by their name."""
    if family_kind == "histogram" or (family_kind == "summary" and sample.name.endswith(("_sum", "_count"))):
        return "counter"
    return KINDS.get(family_kind, "gauge")


def read_scrape(path: Path) -> Iterator[Scraped]:
    """The sample names of one recorded scrape."""
    text = path.read_text(encoding="utf-8")
    written = set(re.findall(r"^[a-zA-Z_:][\w:]*", text, re.MULTILINE))
    for family in text_string_to_metric_families(text):
        by_name: dict[str, tuple[str, set[frozenset[str]]]] = {}
        for sample in family.samples:
            # The parser gives every counter the ending _total; pg_stat_database_xact_commit has none.
            name = sample.name if sample.name in written else sample.name.removesuffix("_total")
            kind, shapes = by_name.setdefault(name, (_kind_of(sample, family.type), set()))
            shapes.add(frozenset(sample.labels))
        for name, (kind, shapes) in by_name.items():
            yield Scraped(name, kind, frozenset(shapes), path.stem)


@cache
def read_scrapes(folder: Path = FOLDER) -> dict[str, tuple[Scraped, ...]]:
    """Every sample name of every recorded scrape; a name of two exporters or versions has two entries."""
    found: dict[str, tuple[Scraped, ...]] = {}
    for path in sorted(folder.glob("*.prom")):
        for scraped in read_scrape(path):
            found[scraped.name] = (*found.get(scraped.name, ()), scraped)
    return found


def trim_scrape(text: str) -> str:
    """The scrape with at most SAMPLES_KEPT samples of each name and shape, for keeping."""
    kept: list[str] = []
    seen: dict[tuple[str, frozenset[str]], int] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            kept.append(line)
            continue
        family = next(iter(text_string_to_metric_families(line)), None)
        if family is None or not family.samples:
            continue
        sample = family.samples[0]
        # every bucket of a histogram is one shape; only the first few bounds are kept
        shape = (sample.name, frozenset(sample.labels))
        seen[shape] = seen.get(shape, 0) + 1
        if seen[shape] <= SAMPLES_KEPT:
            kept.append(line)
    return "\n".join(kept) + "\n"
