"""A client begins a transaction, reads, and then does nothing."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PostgresIdleInTransaction",)


def inject(stand: Stand) -> None:
    stand.connect().cursor().execute("BEGIN; SELECT count(*) FROM orders")


def heal(stand: Stand) -> None:
    stand.undo.close()
