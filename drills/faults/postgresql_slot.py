"""A replication slot is left behind by a replica that does not come back."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PostgresSlotInactive",)
DETECT_S = 120.0


def inject(stand: Stand) -> None:
    stand.run_sql("SELECT pg_create_physical_replication_slot('drill', true)")


def heal(stand: Stand) -> None:
    stand.run_sql("SELECT pg_drop_replication_slot('drill')")
