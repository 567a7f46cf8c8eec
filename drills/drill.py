"""What a drill is: a fault of drills/faults, found by looking, each module in the same shape.

A module has a docstring (the fault, told precisely), `EXPECT` (the alerts that must fire and be notified, as `Name`,
`Name/severity` or `Name/severity/kind`), `inject(stand)` and `heal(stand)`. It may have `MAY` (alerts
that may be notified beside them, by alert with the reason), `DETECT_S` (longest time from the fault to the last
notification, on the scaled clock), `HOLD_S` (how long the fault stays after that, so that what comes late is seen),
`RESOLVE_S`, `SCALE` (true where it needs a stack as of `palmonas up --scale`), `CONTAINERS` (true where it needs
containers to break, as of `drills/containers.py`), and `is_seen(stand)` for what shows elsewhere than in an alert.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from app.errors import UsageError
from drills import faults

if TYPE_CHECKING:
    from drills.stand import Stand

DETECT_S = 60.0
HOLD_S = 6.0
RESOLVE_S = 90.0


@dataclass(frozen=True)
class Drill:
    """One fault. Times are seconds on the clock of the default factor."""

    name: str
    fault: str
    expect: tuple[str, ...]
    inject: Callable[[Stand], None]
    heal: Callable[[Stand], None]
    may: Mapping[str, str]
    detect_s: float
    hold_s: float
    resolve_s: float
    is_seen: Callable[[Stand], bool]
    scale: bool = False
    containers: bool = False


def _is_always_seen(_stand: Stand) -> bool:
    return True


@cache
def list_drills() -> tuple[Drill, ...]:
    """Every drill, by name."""
    return tuple(_load(found.name) for found in sorted(pkgutil.iter_modules(faults.__path__), key=lambda one: one.name))


def find_drill(name: str) -> Drill:
    """Raises UsageError when there is no such drill."""
    for drill in list_drills():
        if drill.name == name:
            return drill
    raise UsageError(f"there is no drill {name!r}; there are: {', '.join(drill.name for drill in list_drills())}")


def _load(name: str) -> Drill:
    module = importlib.import_module(f"{faults.__name__}.{name}")
    return Drill(
        name.replace("_", "-"),
        " ".join((module.__doc__ or "").split()),
        module.EXPECT,
        module.inject,
        module.heal,
        getattr(module, "MAY", {}),
        getattr(module, "DETECT_S", DETECT_S),
        getattr(module, "HOLD_S", HOLD_S),
        getattr(module, "RESOLVE_S", RESOLVE_S),
        getattr(module, "is_seen", _is_always_seen),
        getattr(module, "SCALE", False),
        getattr(module, "CONTAINERS", False),
    )
