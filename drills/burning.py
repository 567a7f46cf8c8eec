"""An error budget that burns at a chosen pace: of so many deliveries, one cannot be stored."""

from __future__ import annotations

import itertools
import time

from drills.background import EXPECTED, repeat
from drills.deliveries import deliver
from drills.stand import Stand

SENDERS = 8
GOOD_FIRST = 400  # deliveries: the first bad one must not be many of few
REFUSED = "drill-refused-"
TRIGGER = f"""
CREATE FUNCTION drill_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'refused by a drill'; END $$;
CREATE TRIGGER drill_refuse BEFORE INSERT ON inbox FOR EACH ROW WHEN (NEW.delivery_id LIKE '{REFUSED}%')
EXECUTE FUNCTION drill_refuse();
"""


def burn_budget(stand: Stand, one_of: int) -> None:
    """Answer one of `one_of` deliveries with 5xx until the drill is undone; the load beside it thins that a little."""
    stand.run_sql(TRIGGER)
    count = itertools.count(1 - GOOD_FIRST)

    def send() -> None:
        number = next(count)
        deliver(stand, prefix=REFUSED if number > 0 and number % one_of == 0 else "")

    repeat(stand, send, threads=SENDERS)


def stop_burning(stand: Stand, *, thinned_s: float = 0.0) -> None:
    """Refuse nothing more; for `thinned_s` seconds all deliveries go well, so that long windows forget sooner."""
    stand.undo.close()
    stand.run_sql("DROP FUNCTION drill_refuse CASCADE")
    end = time.monotonic() + thinned_s
    while time.monotonic() < end:
        try:
            deliver(stand)
        except EXPECTED:
            return
