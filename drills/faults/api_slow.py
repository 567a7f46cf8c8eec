"""A trigger makes every insert into the inbox take half a second: all deliveries are taken, late."""

from __future__ import annotations

from drills.background import repeat
from drills.deliveries import deliver
from drills.stand import Stand

EXPECT = ("PalmonasApiSlow/warning/accept", "SloBudgetBurn/page/1h")
DETECT_S = 90.0
RESOLVE_S = 180.0
MAY = {"SloBudgetBurn": "a budget that burns fast also burns slowly"}
SENDERS = 8  # counts are not scaled: the load alone is too little for a tenth of the window
TRIGGER = """
CREATE FUNCTION drill_wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
CREATE TRIGGER drill_wait BEFORE INSERT ON inbox FOR EACH STATEMENT EXECUTE FUNCTION drill_wait();
"""


def inject(stand: Stand) -> None:
    stand.run_sql(TRIGGER)
    repeat(stand, lambda: deliver(stand), threads=SENDERS)


def heal(stand: Stand) -> None:
    stand.run_sql("DROP FUNCTION drill_wait CASCADE")
