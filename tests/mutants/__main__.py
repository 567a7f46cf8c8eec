"""`make test-mutants`: spoil every rule, one change at a time; a promtool test must notice.

Ends with 1 when fewer than 95 % are noticed, or when the survivors are not exactly those that
tests/mutants/survivors.yml gives a reason for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import promql_parser as ast
import yaml

from tests.mutants.cases import Case, Document, cut_case, list_rules, name_rule, read_document
from tests.mutants.mutations import Mutation, list_mutations

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "prometheus"
SURVIVORS = Path(__file__).parent / "survivors.yml"
WANTED = 0.95  # share of the mutants that must be noticed
TIMEOUT_S = 60.0
# One core for each promtool, because as many run as there are cores; and memory rather than time for its garbage.
ENVIRONMENT = {"GOMAXPROCS": "1", "GOGC": "400"}


@dataclass(frozen=True)
class Subject:
    """One rule: `file` is its path under prometheus/, `group` and `index` are its place in it, from 0."""

    file: str
    group: int
    index: int

    @property
    def rule(self) -> Document:
        rule: Document = read_document(SOURCE / self.file)["groups"][self.group]["rules"][self.index]
        return rule

    @property
    def name(self) -> str:
        """The rule's name, with the labels that tell it from others of this name."""
        labels = [str(value) for label, value in self.rule.get("labels", {}).items() if label != "area"]
        return f"{self.file}: {name_rule(self.rule)}" + (f" ({', '.join(labels)})" if labels else "")

    def list_mutants(self) -> Iterator[Mutant]:
        for mutation in list_mutations(self.rule["expr"], self.rule.get("for")):
            yield Mutant(self, mutation)

    def change(self, expr: str, hold: str | None) -> Document:
        """The rule file with another expression and `for` in this rule."""
        document = deepcopy(read_document(SOURCE / self.file))
        rule = document["groups"][self.group]["rules"][self.index]
        rule["expr"] = expr
        rule.pop("for", None)
        if hold is not None:
            rule["for"] = hold
        return document


@dataclass(frozen=True)
class Mutant:
    """One changed rule."""

    subject: Subject
    mutation: Mutation

    @property
    def name(self) -> str:
        return f"{self.subject.name}: {self.mutation.change}"


def list_subjects(areas: list[str]) -> list[Subject]:
    """The rules of these areas, of all when none is given."""
    return [
        Subject(path.relative_to(SOURCE).as_posix(), group, index)
        for path in (*sorted(SOURCE.glob("rules/*.yml")), *sorted(SOURCE.glob("alerts/*.yml")))
        if not areas or path.stem in areas
        for group, index, _ in list_rules(read_document(path))
    ]


class Bench:
    """Runs promtool over changed rules, and knows which tests concern which rule."""

    def __init__(self, promtool: str) -> None:
        self._promtool = promtool
        self._cases: dict[Subject, list[Case]] = {}

    def prepare(self, subject: Subject) -> None:
        """Finds the tests of a rule, the quick ones first.

        Raises RuntimeError when one fails over the rule as it is, RuntimeError when it takes longer than TIMEOUT_S.
        """
        timed: list[tuple[float, Case]] = []
        # as the parser prints it, like the mutants: a slip of the printer must not pass for a test that noticed
        same = subject.change(str(ast.parse(subject.rule["expr"])), subject.rule.get("for"))
        for path in sorted(SOURCE.glob("tests/*.yml")):
            case = cut_case(path, subject.file, subject.rule)
            if case is None:
                continue
            started = time.monotonic()
            done = self._run(case, subject.file, same)
            if done is None or done.returncode != 0:
                told = "it takes too long" if done is None else done.stdout + done.stderr
                raise RuntimeError(f"{path.name} fails over {subject.name} unchanged:\n{told}")
            timed.append((time.monotonic() - started, case))
        self._cases[subject] = [case for _, case in sorted(timed, key=lambda one: one[0])]

    def is_noticed(self, mutant: Mutant) -> bool:
        """True when a test fails over the changed rule. A rule without a test is noticed by nobody."""
        changed = mutant.subject.change(mutant.mutation.expr, mutant.mutation.hold)
        for case in self._cases[mutant.subject]:
            done = self._run(case, mutant.subject.file, changed)
            if done is None:
                print(f"not judged by {case.name}, {TIMEOUT_S:.0f} s are over: {mutant.name}", file=sys.stderr)
            elif done.returncode != 0:
                return True
        return False

    def _run(self, case: Case, file: str, changed: Document) -> subprocess.CompletedProcess[str] | None:
        """What promtool says; None when it does not end in time."""
        with tempfile.TemporaryDirectory(prefix="palmonas-mutant-") as folder:
            test = case.write(Path(folder), file, changed)
            try:
                return subprocess.run(
                    [self._promtool, "test", "rules", str(test)],
                    capture_output=True,
                    text=True,
                    timeout=TIMEOUT_S,
                    check=False,
                    env=os.environ | ENVIRONMENT,
                )
            except subprocess.TimeoutExpired:
                return None


def find_survivors(subjects: list[Subject], promtool: str) -> tuple[set[str], set[str]]:
    """The names of all mutants, and of those that nobody noticed. Tells its progress file by file."""
    bench = Bench(promtool)
    names: set[str] = set()
    survivors: set[str] = set()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for file, group in groupby(subjects, key=lambda one: one.file):
            started = time.monotonic()
            here = list(group)
            list(pool.map(bench.prepare, here))
            mutants = [mutant for subject in here for mutant in subject.list_mutants()]
            noticed = list(pool.map(bench.is_noticed, mutants))
            left = {mutant.name for mutant, seen in zip(mutants, noticed, strict=True) if not seen}
            names |= {mutant.name for mutant in mutants}
            survivors |= left
            took = time.monotonic() - started
            print(f"{file}: {len(mutants)} mutants, {len(left)} survived, {took:.0f} s", file=sys.stderr, flush=True)
    return names, survivors


def read_reasons() -> dict[str, str]:
    """Mutant -> why no test can notice it, or need not."""
    return yaml.safe_load(SURVIVORS.read_text(encoding="utf-8")) or {}


def judge(survivors: set[str], total: int, reasons: dict[str, str], looked_at: set[str]) -> list[str]:
    """What is wrong with the result, one sentence each."""
    problems = [f"survived, and has no reason in {SURVIVORS.name}: {name}" for name in sorted(survivors - set(reasons))]
    stale = {name for name in reasons if name in looked_at} - survivors
    problems += [f"is noticed, and still has a reason in {SURVIVORS.name}: {name}" for name in sorted(stale)]
    if total and len(survivors) / total > 1 - WANTED:
        problems.append(
            f"only {1 - len(survivors) / total:.1%} of {total} mutants are noticed; wanted are {WANTED:.0%}"
        )
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", help="only these areas (names of rule files)")
    areas = parser.parse_args().areas
    promtool = shutil.which("promtool")
    if promtool is None:
        print("promtool is not installed; on Debian: apt-get install prometheus", file=sys.stderr)
        return 2
    started = time.monotonic()
    try:
        names, survivors = find_survivors(list_subjects(areas), promtool)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    reasons = read_reasons()
    problems = judge(survivors, len(names), reasons, names)
    if not areas:
        problems += [f"there is no such mutant any more: {name}" for name in sorted(set(reasons) - names)]
    for problem in problems:
        print(problem)
    share = 1 - len(survivors) / len(names) if names else 1.0
    print(
        f"{len(names)} mutants, {len(names) - len(survivors)} noticed ({share:.1%}), {len(survivors)} survived; "
        f"{time.monotonic() - started:.0f} s."
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
