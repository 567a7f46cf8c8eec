"""The libraries of both front ends, so that lint checks their sources: `python -m stack.libraries`."""

from __future__ import annotations

import sys

from stack.console import CONSOLE
from stack.preview import PREVIEW


def main() -> int:
    """Install what is missing; 1 when a registry or npm refuses."""
    problems = [problem for site in (PREVIEW, CONSOLE) if (problem := site.install_libraries())]
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
