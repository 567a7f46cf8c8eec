"""Those who send fall silent; a week ago (written for this) three hundred deliveries of each came in at this hour."""

from __future__ import annotations

from app.config import CHANNEL_NAMES
from drills.past import write_past
from drills.stand import Stand
from rules.settings import load_settings

EXPECT = ("ChannelSilent", "PalmonasApiTrafficDrop")
DETECT_S = 840.0  # the hour that is looked at must have nothing left, and that it lasts a quarter of an hour
RESOLVE_S = 400.0  # of the hour again a third must have come in; and nobody waits for an info
DELIVERIES = 300.0  # in the hour, a week ago
NAME = "job_channel:palmonas_deliveries_taken:increase1h"


def inject(stand: Stand) -> None:
    job = load_settings().jobs["api"]
    write_past(stand, "1w", {f'{NAME}{{job="{job}",channel="{channel}"}}': DELIVERIES for channel in CHANNEL_NAMES})
    stand.freeze_load()


def heal(stand: Stand) -> None:
    stand.thaw()
