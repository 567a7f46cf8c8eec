"""Fuzz the channels: python -m tests.fuzz --seconds 60 [TARGET...]. `make fuzz` calls it, with atheris at hand.

Each target runs for so many seconds from the tested payloads and what was kept before. What reaches new lines is kept
in tests/fuzz/corpus, and so is what breaks a promise: tests/unit/test_fuzz_corpus.py runs it again for ever after.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.keep import choose, write_corpus
from tests.fuzz.oracle import LINES, list_targets

CORPUS = Path(__file__).parent / "corpus"
INPUT_DEADLINE_S = 10
LARGEST_INPUT = 16_384  # bytes; no tested payload is half as long
BREAKAGE = "crash-*", "timeout-*", "oom-*", "slow-unit-*"


def fuzz(name: str, seconds: int) -> list[Path]:
    """Fuzz one target and keep what is worth it; the inputs that broke a promise."""
    run, seeds = list_targets()[name]
    kept = CORPUS / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="palmonas-fuzz-") as folder:
        found, begin, broken = (Path(folder) / part for part in ("found", "begin", "broken"))
        for path in (found, begin, broken):
            path.mkdir()
        write_corpus(begin, seeds)
        options = [
            f"-max_total_time={seconds}",
            f"-timeout={INPUT_DEADLINE_S}",
            f"-max_len={LARGEST_INPUT}",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
            f"-artifact_prefix={broken}/",
        ]
        command = [sys.executable, "-m", "tests.fuzz.one", name, *options, str(found), str(begin), str(kept)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds + 120)
        breakage = sorted(path for pattern in BREAKAGE for path in broken.glob(pattern))
        report(name, done.stderr + done.stdout, failed=done.returncode != 0)
        if done.returncode and not breakage:
            raise SystemExit(f"{name}: the fuzzer itself failed")
        known = [*seeds, *(path.read_bytes() for path in kept.iterdir())]
        if not breakage:  # else there is something to mend first
            added = write_corpus(kept, choose(run, LINES[name.partition("/")[2]], known, read_all(found)))
            print(f"{name}: {added} inputs kept in {kept}", flush=True)
        return [path.replace(kept / path.name[: len("crash-") + 12]) for path in breakage]


def read_all(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


def report(name: str, text: str, *, failed: bool) -> None:
    """The fuzzer's last words: all from the failure on, else its figures."""
    lines = text.splitlines()
    first = next((place for place, line in enumerate(lines) if "Uncaught" in line or "ERROR" in line), 0)
    figures = [line for line in lines if line.startswith("stat::number_of_executed") or " DONE " in line]
    shown = [line[:200] for line in lines[first : first + 60] if "0x" not in line] if failed else figures
    print(*(f"{name}: {line}" for line in shown), sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the channels.")
    parser.add_argument("--seconds", type=int, default=60, help="time for each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="<channel>/parse, /webhook or /client; all")
    options = parser.parse_args()
    known = list_targets()
    unknown = set(options.targets) - set(known)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    broken = [path for name in options.targets or known for path in fuzz(name, options.seconds)]
    if broken:
        raise SystemExit("broken promises, to be mended:\n" + "\n".join(str(path) for path in broken))


if __name__ == "__main__":
    main()
