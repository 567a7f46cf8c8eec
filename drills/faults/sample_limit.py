"""A target shows more samples than its job may have: its scrapes are thrown away whole."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("SampleLimitExceeded",)
MAY = {"TargetAbsent": "the job's only target is down as long as its scrapes are refused"}


def inject(stand: Stand) -> None:
    path = stand.layout.state / "prometheus/prometheus.yml"
    good = path.read_text(encoding="utf-8")
    stand.undo.callback(stand.reload, "prometheus")
    stand.undo.callback(path.write_text, good, "utf-8")
    path.write_text(good.replace("- job_name: node\n", "- job_name: node\n  sample_limit: 10\n"), encoding="utf-8")
    stand.reload("prometheus")


def heal(stand: Stand) -> None:
    stand.undo.close()
