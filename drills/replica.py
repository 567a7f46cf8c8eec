"""The replica of a scaled stack."""

from __future__ import annotations

from contextlib import closing

from app.errors import UsageError
from drills.stand import CONNECT_DEADLINE_S, Stand
from stack.servers import connect_for


def run_on_replica(stand: Stand, statement: str) -> None:
    """One statement as the replica's administrator. Raises UsageError on a stack without one."""
    replica = stand.servers.replica
    if replica is None:
        raise UsageError("this drill needs a stack with a replica")
    with closing(connect_for(CONNECT_DEADLINE_S, replica.admin_url)) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(statement)
