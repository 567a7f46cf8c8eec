"""Settings: from the environment, or from the file that `<NAME>_FILE` names; secrets also from a directory of files.

`SETTINGS` is the whole list with type, default and meaning; docs/settings.md is held against it by a test.
A missing or default secret stops the start.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from app.channel_settings import BY_CHANNEL, SECRETS
from app.errors import ConfigError
from app.setting_values import (
    RedisPlace,
    Setting,
    read_delays,
    read_level,
    read_networks,
    read_places,
    read_seconds,
    read_server_url,
    read_web_address,
    read_whole_number,
)

ALL_CHANNELS = tuple(BY_CHANNEL)
CHANNEL_NAMES = tuple(name for name, settings in BY_CHANNEL.items() if SECRETS in settings)  # with webhooks
ROLES = ("accept", "console")
QUEUES = ("ingest", "tasks", "poll", "push")


def _roles(text: str) -> tuple[str, ...]:
    roles = tuple(text.replace(",", " ").split())
    if not roles or any(role not in ROLES for role in roles):
        raise ValueError(f"must name one or both of: {', '.join(ROLES)}")
    return roles


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "DATABASE_URL",
        read_server_url("postgresql", "postgres"),
        None,
        "PostgreSQL 15 or newer, with a password.",
        True,
    ),
    Setting(
        "DATABASE_REPLICA_URL",
        read_server_url("postgresql", "postgres"),
        "",
        "A streaming replica that the console's reads may go to; empty: all go to the primary.",
        True,
    ),
    Setting(
        "REPLICA_LAG_S",
        read_seconds(0.5, 3600),
        5.0,
        "How far that replica may be behind; while it is further, reads go to the primary.",
    ),
    Setting("REDIS_URL", read_server_url("redis", "rediss"), None, "Redis 7, with a password.", True),
    Setting(
        "REDIS_SENTINELS",
        read_places,
        (),
        "`host:port` of the Sentinels that know which Redis is the master: the host of the URL is then not used, the "
        "password is theirs, too.",
    ),
    Setting("REDIS_SENTINEL_MASTER", str, "palmonas", "By what name the Sentinels know the master."),
    Setting("ROLES", _roles, ROLES, "What an API instance serves: `accept`, `console`, or both."),
    Setting("INSTANCE", str, "", "Name of this process in logs; empty: host name and process id."),
    Setting("LOG_LEVEL", read_level, "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Setting("LISTEN_HOST", str, "127.0.0.1", "Address the API listens on."),
    Setting("PORT", read_whole_number(1, 65535), 4000, "Port the API listens on."),
    Setting("METRICS_HOST", str, "127.0.0.1", "Address of /metrics and the health pages of each process."),
    Setting("METRICS_PORT", read_whole_number(0, 65535), 0, "Port of /metrics and the health pages; 0: any free one."),
    Setting("MAX_BODY_BYTES", read_whole_number(1024, 64 << 20), 1 << 20, "Largest webhook body."),
    Setting("CONNECTIONS_MAX", read_whole_number(10, 10000), 1000, "Connections an API instance serves at once."),
    Setting(
        "POOL_MAX",
        read_whole_number(1, 500),
        5,
        "PostgreSQL connections of one process, apart from the reserved.",
    ),
    Setting("POOL_TIMEOUT_S", read_seconds(0.05, 30), 2.0, "Longest wait for a connection of a pool."),
    Setting(
        "CONNECT_TIMEOUT_S",
        read_seconds(0.05, 30),
        2.0,
        "Longest wait for a new connection to PostgreSQL or Redis.",
    ),
    Setting(
        "STATEMENT_TIMEOUT_S",
        read_seconds(0.05, 300),
        3.0,
        "Longest statement of the API; workers take ten times.",
    ),
    Setting("ACCEPT_TIMEOUT_S", read_seconds(0.1, 60), 5.0, "Longest wait of a webhook for its commit, then 503."),
    Setting("BODY_TIMEOUT_S", read_seconds(0.1, 120), 10.0, "Longest time a sender may take over its body, then 408."),
    Setting("DOORBELL_TIMEOUT_S", read_seconds(0.01, 5), 0.2, "Longest wait for Redis when the ingest queue is rung."),
    Setting("DRAIN_BATCH", read_whole_number(1, 5000), 500, "Inbox rows a drain claims at once."),
    Setting("DRAIN_SECONDS", read_seconds(0.1, 60), 5.0, "Time after which a drain hands over to the next job."),
    Setting(
        "SWEEP_INTERVAL_S",
        read_seconds(0.1, 60),
        1.0,
        "Pause between the dispatcher's looks at inbox and outbox.",
    ),
    Setting("RETENTION_DAYS", read_whole_number(30, 3650), 35, "Days inbox rows (keys and raw payloads) are kept."),
    Setting("SESSION_IDLE_S", read_seconds(1, 86400), 7200.0, "Time without a request after which a session ends."),
    Setting("SESSION_MAX_S", read_seconds(1, 30 * 86400), 43200.0, "Time after the login at which a session ends."),
    Setting("LOGIN_WINDOW_S", read_whole_number(1, 86400), 900, "Time over which tries to log in are counted."),
    Setting("LOGIN_TRIES_ACCOUNT", read_whole_number(1, 1000), 10, "Tries for one account in that time, then 429."),
    Setting("LOGIN_TRIES_ADDRESS", read_whole_number(1, 10000), 50, "Tries from one address in that time, then 429."),
    Setting("EXPORT_TIMEOUT_S", read_seconds(1, 3600), 600.0, "Longest time a CSV export may take."),
    Setting(
        "AUDIT_RETENTION_DAYS",
        read_whole_number(90, 3650),
        400,
        "Days entries of the audit log are kept.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        read_networks,
        ("127.0.0.1/32", "::1/128"),
        "Where HAProxy calls from: the last address of its `X-Forwarded-For` is believed, anybody else's is not.",
    ),
    Setting(
        "OUTBOUND_ALLOW",
        read_places,
        (),
        "`host:port` of what may be called at a private address or without TLS: the simulator. Nothing else may.",
    ),
    Setting(
        "OUTBOUND_TIMEOUT_S",
        read_seconds(0.1, 30),
        10.0,
        "Longest call to a channel, from its name to the last byte.",
    ),
    Setting("POLL_INTERVAL_S", read_seconds(0.5, 86400), 60.0, "Pause between two polls of a channel."),
    Setting(
        "POLL_OVERLAP_S",
        read_seconds(0, 86400),
        900.0,
        "How far a poll looks back beyond the last one: for changes shown late (Amazon: two minutes), clocks set back.",
    ),
    Setting(
        "POLL_SETTLE_S",
        read_seconds(0, 3600),
        30.0,
        "How young a change must be for a poll to leave it to the webhook that may be on its way.",
    ),
    Setting("POLL_LOOKBACK_S", read_seconds(0, 90 * 86400), 86400.0, "How far the first poll of a channel looks back."),
    Setting(
        "POLL_LEASE_S",
        read_seconds(1, 300),
        15.0,
        "How long a channel waits for a poller that died; one that lives renews its lease three times as often.",
    ),
    Setting(
        "POLL_RETRY_S",
        read_seconds(0.1, 3600),
        10.0,
        "Pause after a poll that failed, at most the interval; it doubles with each that follows, up to five minutes.",
    ),
    Setting(
        "PUSH_RETRY_DELAYS_S",
        read_delays,
        (2, 10, 60, 300, 900),
        "Whole seconds between the tries to tell a channel of a change; there is one try more than there are pauses.",
    ),
    Setting(
        "PROMETHEUS_URL",
        read_web_address,
        "",
        "Prometheus that `/dashboards` and `/operations` ask; empty: no dashboards, and of the service what it knows.",
    ),
    Setting(
        "ALERTMANAGER_URL",
        read_web_address,
        "",
        "Alertmanager that `/operations` asks and silences through, and `palmonas silence`; empty: no silences there.",
    ),
    Setting(
        "EVENT_STREAM_S",
        read_seconds(0, 3600),
        300.0,
        "Longest life of a stream of `/operations/events`; the page connects again.",
    ),
    Setting(
        "SECRETS_DIR",
        str,
        "",
        "Directory with a file for each secret setting, named `database_url` and so on; the environment comes first.",
    ),
    Setting(
        "LEAVE_S",
        read_seconds(0, 60),
        0.0,
        "How long an API that is told to stop serves on, not ready any more: until whoever balances has seen it.",
    ),
    Setting("PREVIEW_DIR", str, "", "Directory of the built pages of `/dashboards` (set by `palmonas up`)."),
    Setting("CONSOLE_DIR", str, "", "Directory of the built pages of `/console/` (set by `palmonas up`)."),
    Setting("RESTARTS_FILE", str, "", "File in which the supervisor counts restarts (set by `palmonas up`)."),
    Setting(
        "DOCKER_SOCKET",
        str,
        "",
        "Socket of a Docker engine whose containers the exporter watches, only reading; empty: none.",
    ),
    *(setting for settings in BY_CHANNEL.values() for setting in settings.values()),
)

PREFIX = "PALMONAS_"


def _raw_value(setting: Setting, environ: Mapping[str, str]) -> str | None:
    name = PREFIX + setting.name
    file_name = environ.get(name + "_FILE")
    if file_name and environ.get(name):
        raise ConfigError(f"{name} and {name}_FILE are both set; keep one of them")
    if file_name:
        return _read_file(name + "_FILE", Path(file_name))
    directory = environ.get(PREFIX + "SECRETS_DIR")
    if directory and setting.secret and not environ.get(name):
        path = Path(directory) / setting.name.lower()
        return _read_file(PREFIX + "SECRETS_DIR", path) if path.exists() else None
    return environ.get(name)


def _read_file(source: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: cannot read {path}: {error}") from error
    if not text:
        raise ConfigError(f"{source}: {path} is empty")
    return text


class Config:
    """Settings as attributes in lower case, read and checked on first use. Raises ConfigError."""

    def __init__(self, environ: Mapping[str, str] | None = None, settings: tuple[Setting, ...] = SETTINGS) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._settings = settings
        self._values: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        if name not in self._values:
            setting = next(one for one in self._settings if one.name == name)
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
        for name in names or [setting.name for setting in self._settings]:
            self.get(name)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name.upper() not in {setting.name for setting in self._settings}:
            raise AttributeError(name)
        return self.get(name.upper())

    @cached_property
    def channel_secrets(self) -> dict[str, tuple[str, ...]]:
        """Channels that exist, those with at least one secret, and their secrets (newest first)."""
        found = {name: self.get(BY_CHANNEL[name][SECRETS].name) for name in CHANNEL_NAMES}
        return {name: secrets for name, secrets in found.items() if secrets}

    def read_channel(self, channel: str) -> dict[str, Any]:
        """The settings of one channel by their names within it: `API_URL`, not SHOPIFY_API_URL."""
        return {name: self.get(setting.name) for name, setting in BY_CHANNEL[channel].items()}

    @cached_property
    def redis_place(self) -> RedisPlace:
        return RedisPlace(self.get("REDIS_URL"), self.get("REDIS_SENTINELS"), self.get("REDIS_SENTINEL_MASTER"))

    @cached_property
    def instance_name(self) -> str:
        return self.get("INSTANCE") or f"{socket.gethostname()}-{os.getpid()}"
