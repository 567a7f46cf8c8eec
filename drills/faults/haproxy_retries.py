"""Every second delivery that HAProxy hands to one of the two accept instances is cut off; its health check passes."""

from __future__ import annotations

from drills.network import cut_requests
from drills.stand import Stand

EXPECT = ("HaproxyRetries",)
DETECT_S = 120.0


def inject(stand: Stand) -> None:
    cut_requests(stand, stand.layout.ports["api-accept-1"], "POST /webhooks", 0.5)


def heal(stand: Stand) -> None:
    stand.undo.close()
