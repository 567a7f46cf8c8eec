"""A migration leaves a trigger on the inbox that makes every insert wait longer than accept may: 503 to all senders."""

from __future__ import annotations

from drills.background import repeat
from drills.deliveries import deliver
from drills.stand import Stand

EXPECT = ("PalmonasApiErrors/page/accept",)
DETECT_S = 90.0
RESOLVE_S = 150.0
MAY = {
    "HaproxyErrors": "HAProxy sees the same 5xx; it is told apart by the process that answers",
    "ConnectionPoolHeldLong": "inserts that wait hold the connections of their instance",
    "ConnectionPoolExhausted": "inserts that wait hold the connections of their instance",
    "QueueFailures": "polls write into the inbox, too",
}
SENDERS = 8  # counts are not scaled: the load alone is too little for a tenth of the window
TRIGGER = """
CREATE FUNCTION drill_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
CREATE TRIGGER drill_wait BEFORE INSERT ON inbox FOR EACH STATEMENT EXECUTE FUNCTION drill_wait();
"""


def inject(stand: Stand) -> None:
    stand.run_sql(TRIGGER)
    repeat(stand, lambda: deliver(stand), threads=SENDERS)


def heal(stand: Stand) -> None:
    stand.run_sql("DROP FUNCTION drill_wait CASCADE")
