"""Settings: from the environment, or from the file that `<NAME>_FILE` names.

`SETTINGS` is the whole list with type, default and meaning; docs/settings.md is held against it by a test.
A missing or default secret stops the start.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.errors import ConfigError
from app.setting_values import read_places, read_web_address, read_words

CHANNEL_NAMES = ("shopify", "woocommerce", "standard")  # those that send webhooks
ALL_CHANNELS = (*CHANNEL_NAMES, "amazon")  # Amazon is polled only
ROLES = ("accept", "console")
QUEUES = ("ingest", "tasks", "poll", "push")

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


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}")
        return value

    return read


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("must be a number of seconds") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high} seconds")
        return value

    return read


def _level(text: str) -> str:
    level = text.upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return level


def _roles(text: str) -> tuple[str, ...]:
    roles = tuple(text.replace(",", " ").split())
    if not roles or any(role not in ROLES for role in roles):
        raise ValueError(f"must name one or both of: {', '.join(ROLES)}")
    return roles


def _secrets(text: str) -> tuple[str, ...]:
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


def _url(*schemes: str) -> Callable[[str], str]:
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


def _credential(text: str) -> str:
    """One secret that somebody else made. It goes into a header, so it has no spaces."""
    if len(text.split()) != 1:
        raise ValueError("must be one word")
    return check_secret(text)


SETTINGS: tuple[Setting, ...] = (
    Setting("DATABASE_URL", _url("postgresql", "postgres"), None, "PostgreSQL 15 or newer, with a password.", True),
    Setting("REDIS_URL", _url("redis", "rediss"), None, "Redis 7, with a password.", True),
    Setting("SHOPIFY_SECRETS", _secrets, (), "Signing secrets of Shopify webhooks; empty: no such channel.", True),
    Setting("WOOCOMMERCE_SECRETS", _secrets, (), "Signing secrets of WooCommerce webhooks.", True),
    Setting("STANDARD_SECRETS", _secrets, (), "Signing secrets (`whsec_...`) of Standard Webhooks.", True),
    Setting("ROLES", _roles, ROLES, "What an API instance serves: `accept`, `console`, or both."),
    Setting("INSTANCE", str, "", "Name of this process in logs; empty: host name and process id."),
    Setting("LOG_LEVEL", _level, "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Setting("LISTEN_HOST", str, "127.0.0.1", "Address the API listens on."),
    Setting("PORT", _whole_number(1, 65535), 4000, "Port the API listens on."),
    Setting("METRICS_HOST", str, "127.0.0.1", "Address of /metrics and the health pages of each process."),
    Setting("METRICS_PORT", _whole_number(0, 65535), 0, "Port of /metrics and the health pages; 0: any free one."),
    Setting("MAX_BODY_BYTES", _whole_number(1024, 64 << 20), 1 << 20, "Largest webhook body."),
    Setting("CONNECTIONS_MAX", _whole_number(10, 10000), 1000, "Connections an API instance serves at once."),
    Setting(
        "POOL_MAX",
        _whole_number(1, 500),
        5,
        "PostgreSQL connections of one process, apart from the reserved.",
    ),
    Setting("POOL_TIMEOUT_S", _seconds(0.05, 30), 2.0, "Longest wait for a connection of a pool."),
    Setting(
        "CONNECT_TIMEOUT_S",
        _seconds(0.05, 30),
        2.0,
        "Longest wait for a new connection to PostgreSQL or Redis.",
    ),
    Setting(
        "STATEMENT_TIMEOUT_S",
        _seconds(0.05, 300),
        3.0,
        "Longest statement of the API; workers take ten times.",
    ),
    Setting("ACCEPT_TIMEOUT_S", _seconds(0.1, 60), 5.0, "Longest wait of a webhook for its commit, then 503."),
    Setting("BODY_TIMEOUT_S", _seconds(0.1, 120), 10.0, "Longest time a sender may take over its body."),
    Setting("DOORBELL_TIMEOUT_S", _seconds(0.01, 5), 0.2, "Longest wait for Redis when the ingest queue is rung."),
    Setting("DRAIN_BATCH", _whole_number(1, 5000), 500, "Inbox rows a drain claims at once."),
    Setting("DRAIN_SECONDS", _seconds(0.1, 60), 5.0, "Time after which a drain hands over to the next job."),
    Setting(
        "SWEEP_INTERVAL_S",
        _seconds(0.1, 60),
        1.0,
        "Pause between the dispatcher's looks at inbox and outbox.",
    ),
    Setting("RETENTION_DAYS", _whole_number(30, 3650), 35, "Days inbox rows (keys and raw payloads) are kept."),
    Setting(
        "SHOPIFY_API_URL",
        read_web_address,
        "",
        "`https://<shop>.myshopify.com`; empty: not polled, nothing pushed.",
    ),
    Setting("SHOPIFY_API_TOKEN", _credential, "", "Admin API access token of the shop.", True),
    Setting("WOOCOMMERCE_API_URL", read_web_address, "", "Address of the shop; empty: not polled, nothing pushed."),
    Setting("WOOCOMMERCE_API_KEY", _credential, "", "Consumer key (`ck_...`) with read and write access.", True),
    Setting("WOOCOMMERCE_API_SECRET", _credential, "", "Consumer secret (`cs_...`).", True),
    Setting(
        "AMAZON_API_URL",
        read_web_address,
        "",
        "Selling Partner API of the region, as `https://sellingpartnerapi-eu.amazon.com`; empty: no such channel.",
    ),
    Setting("AMAZON_TOKEN_URL", read_web_address, "https://api.amazon.com/auth/o2/token", "Login with Amazon."),
    Setting("AMAZON_CLIENT_ID", str, "", "Client id of the application."),
    Setting("AMAZON_CLIENT_SECRET", _credential, "", "Client secret of the application.", True),
    Setting("AMAZON_REFRESH_TOKEN", _credential, "", "Refresh token of the seller's authorisation.", True),
    Setting("AMAZON_MARKETPLACE_IDS", read_words, (), "Marketplaces to poll, as `A1PA6795UKMFR9 ATVPDKIKX0DER`."),
    Setting("STANDARD_PUSH_URL", read_web_address, "", "Where status changes are sent to; empty: nowhere."),
    Setting("STANDARD_PUSH_SECRET", _credential, "", "Secret (`whsec_...`) that signs what is sent.", True),
    Setting(
        "OUTBOUND_ALLOW",
        read_places,
        (),
        "`host:port` of what may be called at a private address or without TLS: the simulator. Nothing else may.",
    ),
    Setting(
        "OUTBOUND_TIMEOUT_S",
        _seconds(0.1, 30),
        10.0,
        "Longest call to a channel, from its name to the last byte.",
    ),
    Setting("POLL_INTERVAL_S", _seconds(0.5, 86400), 60.0, "Pause between two polls of a channel."),
    Setting(
        "POLL_OVERLAP_S",
        _seconds(0, 86400),
        300.0,
        "How far a poll looks back beyond the last one, for changes that are shown late (Amazon: two minutes).",
    ),
    Setting(
        "POLL_SETTLE_S",
        _seconds(0, 3600),
        30.0,
        "How young a change must be for a poll to leave it to the webhook that may be on its way.",
    ),
    Setting("POLL_LOOKBACK_S", _seconds(0, 90 * 86400), 86400.0, "How far the first poll of a channel looks back."),
    Setting("RESTARTS_FILE", str, "", "File in which the supervisor counts restarts (set by `palmonas up`)."),
)

PREFIX = "PALMONAS_"


def _raw_value(setting: Setting, environ: Mapping[str, str]) -> str | None:
    name = PREFIX + setting.name
    file_name = environ.get(name + "_FILE")
    if file_name and environ.get(name):
        raise ConfigError(f"{name} and {name}_FILE are both set; keep one of them")
    if file_name:
        try:
            text = Path(file_name).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}_FILE: cannot read {file_name}: {error}") from error
        if not text:
            raise ConfigError(f"{name}_FILE: {file_name} is empty")
        return text
    return environ.get(name)


class Config:
    """Settings as attributes in lower case, read and checked on first use. Raises ConfigError."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._values: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        if name not in self._values:
            setting = next(one for one in SETTINGS if one.name == name)
            self._values[name] = self._read(setting)
        return self._values[name]

    def _read(self, setting: Setting) -> Any:
        text = _raw_value(setting, self._environ)
        if text is None or text == "":
            if setting.default is None:
                raise ConfigError(
                    f"{PREFIX}{setting.name} is not set: {setting.meaning} "
                    f"Set it, or {PREFIX}{setting.name}_FILE to a file that holds it."
                )
            return setting.default
        try:
            return setting.read(text)
        except ValueError as error:
            shown = "(not shown)" if setting.secret or "@" in text else repr(text)
            raise ConfigError(f"{PREFIX}{setting.name} {shown} {error}") from error

    def check(self, *names: str) -> Config:
        """Read the named settings now, so that a wrong one stops the start and not the first request."""
        for name in names or [setting.name for setting in SETTINGS]:
            self.get(name)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name.upper() not in {setting.name for setting in SETTINGS}:
            raise AttributeError(name)
        return self.get(name.upper())

    @cached_property
    def channel_secrets(self) -> dict[str, tuple[str, ...]]:
        """Channels that exist, those with at least one secret, and their secrets (newest first)."""
        found = {name: self.get(f"{name.upper()}_SECRETS") for name in CHANNEL_NAMES}
        return {name: secrets for name, secrets in found.items() if secrets}

    @cached_property
    def instance_name(self) -> str:
        return self.get("INSTANCE") or f"{socket.gethostname()}-{os.getpid()}"
