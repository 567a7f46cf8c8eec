"""PostgreSQL takes two seconds for each commit of deliveries, and 160 senders bring 900 KB each: too much waits."""

from __future__ import annotations

from app.channels import sample
from drills.background import repeat
from drills.deliveries import CHANNEL, deliver
from drills.stand import Stand

EXPECT = ("PalmonasApiOverloaded",)
DETECT_S = 90.0
RESOLVE_S = 180.0
MAY = {
    "PalmonasApiErrors": "who is refused, or waits for longer than five seconds, gets 503",
    "HaproxyErrors": "and HAProxy counts it, too",
    "InboxOldestAge": "the inbox fills with deliveries that are large",
    "ConnectionPoolHeldLong": "each commit holds its connection for two seconds",
    "SloBudgetBurn": "what is refused burns the budgets of accept",
}
SENDERS = 160
BODY_BYTES = 900_000  # white space after JSON is JSON
TRIGGER = """
CREATE FUNCTION drill_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$;
CREATE TRIGGER drill_wait BEFORE INSERT ON inbox FOR EACH STATEMENT EXECUTE FUNCTION drill_wait();
"""


def inject(stand: Stand) -> None:
    stand.run_sql(TRIGGER)
    body = sample(CHANNEL).ljust(BODY_BYTES)
    repeat(stand, lambda: deliver(stand, body), threads=SENDERS)


def heal(stand: Stand) -> None:
    stand.undo.close()
    stand.run_sql("DROP FUNCTION drill_wait CASCADE")
