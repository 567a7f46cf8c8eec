"""`make test-mutants`: spoil every rule, one change at a time; a promtool test must notice.

Ends with 1 when fewer than 95 % are noticed, or when the survivors are not exactly those that
tests/mutants/survivors.yml gives a reason for.

Measured area by area on two cores that others kept busy (a load of 30): redis 1.4 minutes, postgresql 2.5, pools and
channels 6, host 7, api 11, slo 12. A whole run was not measured.
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
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import promql_parser as ast
import yaml

from tests.mutants.cases import Case, Place, Version, cut_case, find_failed, list_rules, name_rule, read_document
from tests.mutants.mutations import list_mutations

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "prometheus"
SURVIVORS = Path(__file__).parent / "survivors.yml"
WANTED = 0.95  # share of the mutants that must be noticed
TIMEOUT_S = 300.0  # for all mutants of one rule over one test file: seconds on a quiet machine
# One core for each promtool, because as many run as there are cores; and memory rather than time for its garbage.
ENVIRONMENT = {"GOMAXPROCS": "1", "GOGC": "400"}


@dataclass(frozen=True)
class Subject:
    """A rule and all its mutants: `name` with file and the labels that tell it from others of its name.

    `versions` has the rule as it is, and then one for each of `changes`, which say what was changed.
    """

    place: Place
    rule: str
    name: str
    versions: tuple[Version, ...]
    changes: tuple[str, ...]

    @property
    def mutants(self) -> list[str]:
        return [f"{self.name}: {change}" for change in self.changes]


def list_subjects(areas: list[str]) -> Iterator[Subject]:
    """The rules of these areas, of all when none is given."""
    for path in (*sorted(SOURCE.glob("rules/*.yml")), *sorted(SOURCE.glob("alerts/*.yml"))):
        if areas and path.stem not in areas:
            continue
        file = path.relative_to(SOURCE).as_posix()
        for group, index, rule in list_rules(read_document(path)):
            labels = [str(value) for label, value in rule.get("labels", {}).items() if label != "area"]
            name = f"{file}: {name_rule(rule)}" + (f" ({', '.join(labels)})" if labels else "")
            mutations = list(list_mutations(rule["expr"], rule.get("for")))
            # as the parser prints it, like the mutants: a slip of the printer must not pass for a test that noticed
            versions = [Version(0, str(ast.parse(rule["expr"])), rule.get("for"))]
            versions += [Version(number, one.expr, one.hold) for number, one in enumerate(mutations, 1)]
            changes = tuple(one.change for one in mutations)
            yield Subject(Place(file, group, index), name_rule(rule), name, tuple(versions), changes)


def find_survivors(subject: Subject, promtool: str) -> list[str]:
    """The mutants of a rule that no test notices. A rule without a test is noticed by nobody.

    Raises RuntimeError when a test fails over the rule as it is, or when promtool fails over something else.
    """
    cases = (cut_case(path, subject.place, subject.rule) for path in sorted(SOURCE.glob("tests/*.yml")))
    left = list(subject.versions)
    for case in sorted((case for case in cases if case), key=lambda one: one.cost):
        unjudged = left
        while len(unjudged) > 1:
            told = _run(case, unjudged, promtool)
            if told is None:
                print(
                    f"{case.name} takes more than {TIMEOUT_S:.0f} s: {subject.name} not judged by it", file=sys.stderr
                )
                break
            failed = find_failed(told)
            if 0 in failed or (told and not failed):
                raise RuntimeError(f"{case.name} fails over {subject.name} unchanged:\n{told}")
            left = [one for one in left if one.number not in failed]
            # where an expression cannot be evaluated promtool ends the test before it looks at the others
            unjudged = left if "err:" in told or "could not parse" in told else []
    return [subject.mutants[one.number - 1] for one in left if one.number]


def _run(case: Case, versions: list[Version], promtool: str) -> str | None:
    """What promtool says, nothing when all tests pass; None when it does not end in time."""
    with tempfile.TemporaryDirectory(prefix="palmonas-mutant-") as folder:
        test = case.write(Path(folder), versions)
        try:
            done = subprocess.run(
                [promtool, "test", "rules", str(test)],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
                env=os.environ | ENVIRONMENT,
            )
        except subprocess.TimeoutExpired:
            return None
    return done.stdout + done.stderr if done.returncode else ""


def find_all_survivors(subjects: list[Subject], promtool: str) -> tuple[set[str], list[str]]:
    """The mutants that nobody notices, and what kept rules from being judged. Tells its progress file by file."""
    survivors: set[str] = set()
    problems: list[str] = []

    def judge_one(subject: Subject) -> list[str]:
        try:
            return find_survivors(subject, promtool)
        except RuntimeError as error:
            problems.append(str(error))
            return []

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for file, group in groupby(subjects, key=lambda one: one.place.file):
            started = time.monotonic()
            here = list(group)
            left = {name for names in pool.map(judge_one, here) for name in names}
            survivors |= left
            count, took = sum(len(one.changes) for one in here), time.monotonic() - started
            print(f"{file}: {count} mutants, {len(left)} survived, {took:.0f} s", file=sys.stderr, flush=True)
    return survivors, problems


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
    subjects = list(list_subjects(areas))
    survivors, problems = find_all_survivors(subjects, promtool)
    names = {name for subject in subjects for name in subject.mutants}
    reasons = read_reasons()
    problems += judge(survivors, len(names), reasons, names)
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
