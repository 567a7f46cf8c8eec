"""The replica of a scaled stack."""

from __future__ import annotations

from app.errors import UsageError
from drills.stand import Stand
from stack.replica import ask


def run_on_replica(stand: Stand, statement: str) -> None:
    """One question as the replica's administrator. Raises UsageError on a stack without one."""
    replica = stand.servers.replica
    if replica is None:
        raise UsageError("this drill needs a stack with a replica")
    ask(replica, statement)
