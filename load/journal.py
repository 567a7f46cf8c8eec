"""What a run did, kept while it goes on, and the few lines that are said about it at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from load.judgement import Measured
from load.stored import Key


@dataclass
class Journal:
    """Counts by name, and the keys of what was accepted, if they are wanted afterwards."""

    counts: Counter[str] = field(default_factory=Counter)
    accepted: set[Key] = field(default_factory=set)

    def clear(self) -> None:
        self.counts.clear()
        self.accepted.clear()


def describe(journal: Journal, measured: Measured, missed: Sequence[str], seed: int) -> list[str]:
    """The summary, a line for each thing."""
    counts = journal.counts
    cut_off = counts["sent"] - counts["accepted"] - counts["failed"]
    lines = [
        f"webhooks: {counts['sent']} sent, {counts['accepted']} accepted ({counts['duplicate']} of them duplicates), "
        f"{counts['failed']} failed, {cut_off} cut off at the end; "
        f"{counts['refused']} of {counts['forged']} forged ones refused (seed {seed})",
        f"accept: {measured.accept.describe(50, 99)}",
    ]
    if measured.stored is None:
        lines.append("stored: not looked (--stored-within SECONDS)")
    else:
        stored = measured.stored
        lines.append(
            f"stored: {stored.done} of {stored.accepted} accepted deliveries, {stored.seconds:.1f} s after the end"
        )
    if measured.has_operator:
        lines.append(
            f"operator: lists {measured.lists.describe(50, 95)}; "
            f"{counts['changed']} statuses changed, {counts['overtaken']} overtaken"
        )
    lines.append("load: missed: " + "; ".join(missed) if missed else "load: all thresholds kept")
    return lines
