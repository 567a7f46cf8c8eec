"""Fuzz one target: python -m tests.fuzz.one TARGET [libFuzzer's arguments]. Needs atheris; `make fuzz` calls it."""

from __future__ import annotations

import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["app"]):  # type: ignore[no-untyped-call] # atheris has no types
    import app.channels
    import app.channels.pages  # noqa: F401 - with all that it imports, so that the fuzzer sees its branches

from tests.fuzz.mutate import change_json
from tests.fuzz.oracle import LINES, list_targets


def main() -> None:
    name, *arguments = sys.argv[1:]
    run, _ = list_targets()[name]
    lines = LINES[name.partition("/")[2]]

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        dice = Random(seed)
        changed = change_json(data, lines, dice) if dice.random() < 0.7 else None
        return changed[:max_size] if changed else bytes(atheris.Mutate(data, max_size))

    atheris.Setup([sys.argv[0], *arguments], run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
