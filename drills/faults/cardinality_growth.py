"""Generated rule groups are deployed, and Prometheus tells of each: more samples than a day ago (written for this)."""

from __future__ import annotations

from app.errors import UsageError
from drills.past import find_one, write_past
from drills.stand import Stand
from rules.settings import load_settings

EXPECT = ("CardinalityGrowth",)
DETECT_S = 300.0
GROUPS = 300  # some ten samples of each
NAME = "scrape_samples_post_metric_relabeling"


def inject(stand: Stand) -> None:
    expr = f'{NAME}{{job="{load_settings().jobs["prometheus"]}"}}'
    found = find_one(stand, expr)
    if found is None:
        raise UsageError(f"Prometheus tells of no {expr}, or of several; this drill needs one")
    labels, before = found
    pairs = ",".join(f'{name}="{labels[name]}"' for name in ("job", "instance"))
    write_past(stand, "1d", {f"{NAME}{{{pairs}}}": before})

    groups = "".join(
        f"  - {{name: drill-{number}, rules: [{{record: drill, expr: vector({number})}}]}}\n"
        for number in range(GROUPS)
    )
    (stand.layout.state / "prometheus/rules/drill.yml").write_text(f"groups:\n{groups}", encoding="utf-8")
    stand.reload("prometheus")


def heal(stand: Stand) -> None:
    (stand.layout.state / "prometheus/rules/drill.yml").unlink()
    stand.reload("prometheus")
