"""950 logins trickle in, a byte every two seconds, to a console that gets 900 at once: the rest queues."""

from __future__ import annotations

from drills.stand import Stand
from drills.trickle import trickle_logins

EXPECT = ("HaproxyQueue",)
DETECT_S = 90.0
MAY = {
    "FrontDoorProbeFailed": "the probe queues, too",
    "HaproxySessionsNearLimit": "the only server of the console has all the sessions that it may",
    "HaproxyErrors": "who waits for longer than five seconds gets 503",
    "PalmonasApiBusy": "the console has nine tenths of the requests that it serves at once",
}


def inject(stand: Stand) -> None:
    trickle_logins(stand, 950)


def heal(stand: Stand) -> None:
    stand.undo.close()
