"""What settings may look like. A reader raises ValueError; its text ends the sentence."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MIN_SECRET_LENGTH = 16
MIN_DISTINCT = 6  # different letters and digits, once the words below are taken out
WEAK_SECRETS = frozenset(
    [
        "changeme",
        "change-me",
        "password",
        "passwd",
        "secret",
        "default",
        "example",
        "test",
        "admin",
        "postgres",
        "palmonas",
        "redis",
    ]
)


@dataclass(frozen=True)
class Setting:
    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False


class RedisPlace(NamedTuple):
    """Where Redis is: at `url`, or where those of `sentinels` (`host:port`) say that `master` is."""

    url: str
    sentinels: tuple[str, ...] = ()
    master: str = ""


def read_whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}")
        return value

    return read


def read_seconds(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("must be a number of seconds") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high} seconds")
        return value

    return read


def read_level(text: str) -> str:
    level = text.upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return level


def read_secrets(text: str) -> tuple[str, ...]:
    """One secret, or several separated by white space (old and new one during a rotation)."""
    secrets = tuple(text.split())
    if not secrets:
        raise ValueError("is blank; remove it, or give it a secret")
    for secret in secrets:
        check_secret(secret)
    return secrets


def check_secret(secret: str) -> str:
    """Return `secret`; raise ValueError when it is a default one or too short to be one."""
    if not (secret.isascii() and secret.isprintable()):
        raise ValueError("has characters that are not printable ASCII; was the file saved with a byte order mark?")
    bare = re.sub(r"[^a-z0-9]", "", secret.lower().removeprefix("whsec_"))
    for weak in WEAK_SECRETS:
        bare = bare.replace(weak, "")
    if len(set(bare)) < MIN_DISTINCT or len(secret) < MIN_SECRET_LENGTH:
        raise ValueError(
            f"is a default or shorter than {MIN_SECRET_LENGTH} characters; make one with: openssl rand -base64 32"
        )
    return secret


def read_server_url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            parts = urlsplit(text)
            fits = parts.scheme in schemes and parts.hostname and parts.port != 0
        except ValueError:  # its text quotes the address, and so the password
            fits = False
        if not fits:
            raise ValueError(f"must look like {schemes[0]}://user:password@host:port/name") from None
        if not parts.password:
            raise ValueError("has no password")
        check_secret(parts.password)
        return text

    return read


def read_credential(text: str) -> str:
    """One secret that somebody else made. It goes into a header, so it has no spaces."""
    if len(text.split()) != 1:
        raise ValueError("must be one word")
    return check_secret(text)


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


def read_delays(text: str) -> tuple[int, ...]:
    """One to twenty pauses in whole seconds, each from 1 to a day."""
    words = read_words(text)
    if not 1 <= len(words) <= 20 or not all(
        re.fullmatch("[0-9]{1,5}", word) and 1 <= int(word) <= 86400 for word in words
    ):
        raise ValueError("must be 1 to 20 whole numbers between 1 and 86400, as 2 10 60")
    return tuple(int(word) for word in words)


def read_places(text: str) -> tuple[str, ...]:
    """Each `host:port`; an IPv6 address in square brackets."""
    places = read_words(text.lower())
    for place in places:
        host, _, port = place.rpartition(":")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise ValueError("must be host:port, or several with spaces between them")
    return places


def read_networks(text: str) -> tuple[str, ...]:
    """Addresses or networks (CIDR)."""
    try:
        return tuple(str(ipaddress.ip_network(word)) for word in read_words(text))
    except ValueError:
        raise ValueError("must be addresses or networks, as 10.0.0.7 10.1.0.0/16") from None
