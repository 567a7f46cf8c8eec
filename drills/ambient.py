"""Alerts that say how busy the machine is on which a drill runs, and nothing of the fault.

A drill shares its machine with whatever else runs there. These alerts are followed and told, but neither break the
silence before a fault nor fail a drill, unless the drill expects them.
"""

from __future__ import annotations

from collections.abc import Mapping

HOST = "Host"  # the prefix of all alerts about the machine itself
MACHINE = ("PalmonasApiSlow", "PalmonasApiHubLag", "ConnectionPoolSlow")
LATENCY_SLO = "latency"


def is_ambient(labels: Mapping[str, str]) -> bool:
    """True for an alert about the machine, or about how quick it is."""
    name = labels["alertname"]
    return name.startswith(HOST) or name in MACHINE or LATENCY_SLO in labels.get("slo", "")
