"""Refused connections: a rule of iptables on loopback for one port of the private stack."""

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
    program = find_program("iptables")
    if program is None:
        raise UsageError("iptables was not found; install it, and run this drill as root")
    rule = ["INPUT", "-i", "lo", "-p", "tcp", "--dport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset"]

    def change(action: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, action, *rule], capture_output=True, text=True, timeout=IPTABLES_DEADLINE_S, check=False
        )

    done = change("-I")
    if done.returncode != 0:
        raise UsageError(f"iptables refuses; run this drill as root: {done.stderr.strip()}")
    stand.undo.callback(change, "-D")
