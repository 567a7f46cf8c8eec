"""Refused and cut connections: rules of iptables on loopback for one port of the private stack."""

from __future__ import annotations

import subprocess

from app.errors import UsageError
from drills.stand import Stand
from stack.binaries import find_program

IPTABLES_DEADLINE_S = 10.0


def refuse_port(stand: Stand, port: int) -> None:
    """Refuse new and open connections to `port` of 127.0.0.1 until the drill is undone.

    Raises UsageError without iptables or the right to use it.
    """
    _add_rule(stand, port, [])


def cut_requests(stand: Stand, port: int, text: str, probability: float = 1.0) -> None:
    """Break connections to `port` of 127.0.0.1 when what is sent contains `text`, until the drill is undone.

    The receiver never sees the request, and the sender a reset; everything else on that port passes. Raises UsageError
    as `refuse_port` does.
    """
    chance = ["-m", "statistic", "--mode", "random", "--probability", str(probability)] if probability < 1 else []
    _add_rule(stand, port, ["-m", "string", "--algo", "bm", "--string", text, *chance])


def _add_rule(stand: Stand, port: int, matches: list[str]) -> None:
    program = find_program("iptables")
    if program is None:
        raise UsageError("iptables was not found; install it, and run this drill as root")
    match = ["-i", "lo", "-p", "tcp", "--dport", str(port), *matches]
    rule = ["INPUT", *match, "-j", "REJECT", "--reject-with", "tcp-reset"]

    def change(action: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, action, *rule], capture_output=True, text=True, timeout=IPTABLES_DEADLINE_S, check=False
        )

    done = change("-I")
    if done.returncode != 0:
        raise UsageError(f"iptables refuses; run this drill as root: {done.stderr.strip()}")
    stand.undo.callback(change, "-D")
