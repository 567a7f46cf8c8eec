"""`palmonas drill --list`: the drills, and what stands behind each alert."""

from __future__ import annotations

from drills.drill import Drill, list_drills
from rules.files import Alert, fits, read_alerts
from rules.proofs import Proof, find_reason, read_proofs, read_unproven


def describe_drills() -> str:
    """Text for people: every drill with its fault, then every alert with what proves it."""
    drills, proofs, unproven = list_drills(), read_proofs(), read_unproven()
    lines = ["Drills"]
    for drill in drills:
        lines.append(f"  {drill.name:<30} {drill.fault}")
        lines.append(f"  {'':<30} expects {', '.join(drill.expect)}")
    lines.append("\nAlerts")
    for alert in read_alerts():
        name = f"{alert.name} ({' '.join(filter(None, (alert.severity, alert.kind)))})"
        lines.append(f"  {name:<45} {_tell_proof(alert, drills, proofs, unproven)}")
    return "\n".join(lines)


def _tell_proof(alert: Alert, drills: tuple[Drill, ...], proofs: list[Proof], unproven: dict[str, str]) -> str:
    found = [one.drill for one in proofs if one.proves(alert)]
    if found:
        return f"proven by {', '.join(dict.fromkeys(found))}"
    if planned := [one.name for one in drills if any(fits(name, *alert.path) for name in one.expect)]:
        return f"not recorded yet; run: palmonas drill {' '.join(planned)}"
    reason = find_reason(unproven, alert)
    return reason or "nothing: write a drill, or a reason into drills/unproven.yml"
