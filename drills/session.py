"""Several drills on one stack, and the table at the end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from itertools import groupby

from drills.containers import offer_engine, run_containers
from drills.drill import Drill
from drills.fillers import record_filled
from drills.record import record_result
from drills.run import Result, run_drill
from drills.stand import DEFAULT_FACTOR, Report, open_stand


def run_session(
    drills: Iterable[Drill], factor: float | None, report: Report, *, record: bool, until_notified: bool = False
) -> bool:
    """Run `drills` one after the other on one stack, those that need a scaled one, or containers, on others.

    True when all passed. What passed is recorded at once.
    """
    results = []
    for (scale, containers), chosen in groupby(sorted(drills, key=_tell_stand), key=_tell_stand):
        with ExitStack() as stack:
            if containers:
                stack.enter_context(offer_engine())
            stand = stack.enter_context(open_stand(factor or DEFAULT_FACTOR, report, scale=scale, load=not containers))
            if containers:
                stack.enter_context(run_containers(stand, report))
            for drill in chosen:
                result = run_drill(stand, drill, report, until_notified=until_notified)
                results.append(result)
                if record and not result.problems:
                    record_result(result)
                    record_filled(drill.name, result.filled)
            report("stopping the stack")
    for line in describe_results(results):
        report(line)
    return not any(result.problems for result in results)


def _tell_stand(drill: Drill) -> tuple[bool, bool]:
    """What tells the stands apart that drills need."""
    return drill.scale, drill.containers


def describe_results(results: Iterable[Result]) -> list[str]:
    """One line for each alert of each drill: seconds from the fault and from the heal."""
    lines: list[str] = []
    for result in results:
        lines.extend(
            f"{result.drill.name}: {name}: pending {_tell(one.pending_s)}, firing {_tell(one.firing_s)}, "
            f"notified {_tell(one.notified_s)}; healed: inactive {_tell(one.inactive_s)}, "
            f"resolved {_tell(one.resolved_s)}"
            for name, one in result.steps.items()
        )
        lines.append(f"{result.drill.name}: {'FAILED: ' + '; '.join(result.problems) if result.problems else 'passed'}")
    return lines


def _tell(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"
