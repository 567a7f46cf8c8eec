"""Somebody sets idle_session_timeout to 100 ms for the role of the service: PostgreSQL closes what idles."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("ConnectionPoolChurn",)
DETECT_S = 120.0
MAY = {
    "PalmonasApiErrors": "a connection may be closed just when it is used",
    "HaproxyErrors": "and HAProxy counts the 503",
    "SloBudgetBurn": "and the delivery or the job that had it fails",
}
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'palmonas' AND state = 'idle'"


def inject(stand: Stand) -> None:
    stand.run_sql("ALTER ROLE palmonas SET idle_session_timeout = '100ms'")
    stand.run_sql(END_SESSIONS)


def heal(stand: Stand) -> None:
    stand.run_sql("ALTER ROLE palmonas RESET idle_session_timeout")
