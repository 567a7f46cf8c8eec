"""A hardening script takes the right to read pg_locks from everybody: one query of the exporter fails."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PostgresCollectorFailed",)
DETECT_S = 90.0


def inject(stand: Stand) -> None:
    stand.run_sql("REVOKE SELECT ON pg_locks FROM PUBLIC")


def heal(stand: Stand) -> None:
    stand.run_sql("GRANT SELECT ON pg_locks TO PUBLIC")
