"""`make test-mutants`: spoil every rule, one change at a time; a promtool test of its area must notice.

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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.mutants.mutations import Mutation, list_mutations

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "prometheus"
SURVIVORS = Path(__file__).parent / "survivors.yml"
WANTED = 0.95  # share of the mutants that must be noticed
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Mutant:
    """One changed rule: `file` is its path under prometheus/, `index` its place (group, rule) in it."""

    file: str
    index: tuple[int, int]
    rule: str
    mutation: Mutation

    @property
    def name(self) -> str:
        return f"{self.file}: {self.rule}: {self.mutation.change}"


def list_mutants(areas: list[str]) -> Iterator[Mutant]:
    for path in sorted(SOURCE.glob("rules/*.yml")) + sorted(SOURCE.glob("alerts/*.yml")):
        if areas and path.stem not in areas:
            continue
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group_index, group in enumerate(document["groups"]):
            for rule_index, rule in enumerate(group["rules"]):
                name = rule.get("record") or f"{rule['alert']} ({rule['labels']['severity']})"
                for mutation in list_mutations(rule["expr"], rule.get("for")):
                    yield Mutant(path.relative_to(SOURCE).as_posix(), (group_index, rule_index), name, mutation)


def find_tests(file: str) -> list[Path]:
    """The promtool tests that load the rule file."""
    return [
        path
        for path in sorted(SOURCE.glob("tests/*.yml"))
        if f"../{file}" in yaml.safe_load(path.read_text(encoding="utf-8"))["rule_files"]
    ]


def is_noticed(mutant: Mutant, promtool: str) -> bool:
    """True when a test fails over the changed rule. A rule without a test is noticed by nobody."""
    with tempfile.TemporaryDirectory(prefix="palmonas-mutant-") as directory:
        copy = Path(directory)
        for folder in ("rules", "alerts", "tests"):
            shutil.copytree(SOURCE / folder, copy / folder)
        _spoil(copy / mutant.file, mutant)
        for test in find_tests(mutant.file):
            done = subprocess.run(
                [promtool, "test", "rules", str(copy / "tests" / test.name)],
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
            if done.returncode != 0:
                return True
    return False


def _spoil(path: Path, mutant: Mutant) -> None:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    group, index = mutant.index
    rule = document["groups"][group]["rules"][index]
    rule["expr"] = mutant.mutation.expr
    if mutant.mutation.hold is None:
        rule.pop("for", None)
    else:
        rule["for"] = mutant.mutation.hold
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


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
    mutants = list(list_mutants(areas))
    names = {mutant.name for mutant in mutants}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        noticed = list(pool.map(lambda one: is_noticed(one, promtool), mutants))
    survivors = {mutant.name for mutant, seen in zip(mutants, noticed, strict=True) if not seen}
    reasons = read_reasons()
    problems = judge(survivors, len(mutants), reasons, names)
    if not areas:
        problems += [f"there is no such mutant any more: {name}" for name in sorted(set(reasons) - names)]
    for problem in problems:
        print(problem)
    share = 1 - len(survivors) / len(mutants) if mutants else 1.0
    print(f"{len(mutants)} mutants, {len(mutants) - len(survivors)} noticed ({share:.1%}), {len(survivors)} survived.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
