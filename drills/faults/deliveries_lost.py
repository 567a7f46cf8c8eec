"""A trigger deletes WooCommerce's deliveries in the transaction that takes them in: they are accepted, and nowhere."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("AcceptedNotStored",)
DETECT_S = 420.0  # nothing is said before the youngest worker is four minutes old
RESOLVE_S = 360.0  # the alert's window
TRIGGER = """
CREATE FUNCTION drill_lose() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN DELETE FROM inbox WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER drill_lose AFTER INSERT ON inbox FOR EACH ROW WHEN (NEW.channel = 'woocommerce')
    EXECUTE FUNCTION drill_lose();
"""


def inject(stand: Stand) -> None:
    stand.run_sql(TRIGGER)


def heal(stand: Stand) -> None:
    stand.run_sql("DROP FUNCTION drill_lose CASCADE")
