"""Moving the line of an alert, where the one that is shipped cannot be reached on a machine that others use."""

from __future__ import annotations

from drills.monitoring import place_rules
from drills.stand import Stand


def move_line(stand: Stand, name: str, value: float) -> None:
    """Give threshold `name` of prometheus/settings.yml another value until the drill is undone."""

    def place(**lines: float) -> None:
        place_rules(stand.layout, stand.factor, **lines)
        stand.reload("prometheus")

    stand.undo.callback(place)
    place(**{name: value})
