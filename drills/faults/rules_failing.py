"""A rule is deployed that is well-formed and fails when it is evaluated: many series match one."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("RuleEvaluationFailed",)
RULE = "groups: [{name: drill, rules: [{record: drill, expr: up * on () up}]}]\n"


def inject(stand: Stand) -> None:
    (stand.layout.state / "prometheus/rules/drill.yml").write_text(RULE)
    stand.reload("prometheus")


def heal(stand: Stand) -> None:
    (stand.layout.state / "prometheus/rules/drill.yml").unlink()
    stand.reload("prometheus")
