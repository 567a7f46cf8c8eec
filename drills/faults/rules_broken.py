"""A rule file is deployed that is no rule: the reload is refused, and Prometheus goes on with the rules it has."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PrometheusConfigReloadFailed",)


def inject(stand: Stand) -> None:
    (stand.layout.state / "prometheus/alerts/drill.yml").write_text("groups: [{name: drill, rules: [{expr: 1 +}]}]\n")
    stand.reload("prometheus")


def heal(stand: Stand) -> None:
    (stand.layout.state / "prometheus/alerts/drill.yml").unlink()
    stand.reload("prometheus")
