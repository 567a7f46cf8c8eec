"""A door with TLS shows a certificate that runs out within a day, and nobody has renewed it; then somebody does."""

from __future__ import annotations

from drills.stand import Stand
from drills.tls import TlsFront

EXPECT = ("CertificateExpires",)  # at 14 days; on the drill's clock at a day and ten hours
DETECT_S = 90.0
_FRONTS: list[TlsFront] = []


def inject(stand: Stand) -> None:
    _FRONTS[:] = [TlsFront(stand, days=1)]


def heal(_stand: Stand) -> None:
    _FRONTS.pop().renew(days=90)
