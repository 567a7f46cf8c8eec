"""What the settings of outbound calls may look like. A reader raises ValueError; its text ends the sentence."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def read_web_address(text: str) -> str:
    """An address to call; whether plain http or a private host may be called is the door's to say."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.username is not None or parts.query or parts.fragment or re.search(r"\s", text):
        raise ValueError("must look like https://host/path, without user name, password or query") from None
    return text.rstrip("/")


def read_words(text: str) -> tuple[str, ...]:
    """Words with spaces or commas between them."""
    return tuple(text.replace(",", " ").split())


def read_places(text: str) -> tuple[str, ...]:
    """Each `host:port`; an IPv6 address in square brackets."""
    places = read_words(text.lower())
    for place in places:
        host, _, port = place.rpartition(":")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise ValueError("must be host:port, or several with spaces between them")
    return places
