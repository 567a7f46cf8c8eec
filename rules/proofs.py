"""Which alert is proven by which drill (docs/drills.json), and why the others are not (drills/unproven.yml)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rules.files import ROOT, Alert, fits

DRILLS = ROOT / "docs/drills.json"
UNPROVEN = ROOT / "drills/unproven.yml"


@dataclass(frozen=True)
class Proof:
    """A drill that made an alert fire; seconds, measured on a clock `factor` times as fast as what is shipped."""

    drill: str
    alert: str
    severity: str
    kind: str
    factor: float
    firing_s: float
    notified_s: float
    resolved_s: float | None

    def proves(self, alert: Alert) -> bool:
        return (self.alert, self.severity, self.kind) == alert.path


def read_proofs(path: Path = DRILLS) -> list[Proof]:
    """Every alert that a recorded drill proves, runs in real time first; empty when nothing was recorded."""
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [
        Proof(
            drill,
            wanted.partition("/")[0],
            steps["severity"],
            steps.get("kind", ""),
            entry["factor"],
            steps["firing_s"],
            steps["notified_s"],
            steps["resolved_s"],
        )
        for section in ("real_time", "scaled")
        for drill, entry in document.get(section, {}).items()
        for wanted, steps in entry["alerts"].items()
    ]


def read_soak(path: Path = DRILLS) -> dict[str, Any]:
    """The longest recorded soak: minutes, deliveries, fired, notified; empty when there is none."""
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    soak: dict[str, Any] = document.get("soak", {})
    return soak


def read_unproven(path: Path = UNPROVEN) -> dict[str, str]:
    """Alerts that no drill proves, each with the reason."""
    reasons: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return reasons


def find_reason(unproven: dict[str, str], alert: Alert) -> str | None:
    """Why no drill proves `alert`; the file names it as `Name`, `Name/severity` or `Name/severity/kind`."""
    meant = [key for key in unproven if fits(key, *alert.path)]
    reason = unproven[max(meant, key=len)] if meant else None
    return reason if reason is None or reason.startswith("planned") else f"unit only: {reason}"
