"""What the containers of compose.yml need before they start: secrets, configuration of HAProxy and Alertmanager.

Each consumer has a volume of its own, a directory below `VOLUMES` here, and sees nothing of the others'. What is there
stays as it is: the passwords are in the servers' data, too.
"""

from __future__ import annotations

import json
import os
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path

from app.config import SETTINGS
from app.errors import ConfigError
from stack.channel_secrets import WEBHOOK_SECRETS, make_secret
from stack.frontdoor import Door, render_door
from stack.monitoring import SOURCE
from stack.receivers import merge_receivers
from stack.sentinel import describe_sentinel
from stack.simulated import API_SECRETS, CONTROL_TOKEN_FILE

VOLUMES = Path("/var/lib/palmonas")
OWN_FILES = Path("/etc/palmonas")  # containers/settings of whoever runs the stack
OWN_DIRECTORIES = ("tls", "secrets", "alertmanager")
CONSUMERS = ("app", "postgres", "redis", "monitoring", "grafana", "haproxy", "alertmanager")
ROLES = ("postgres", "palmonas", "palmonas_monitor", "palmonas_replica")
SECRET_NAMES = {setting.name.lower() for setting in SETTINGS if setting.secret}
TLS = "PALMONAS_TLS_CERTIFICATE"
DEMO = "PALMONAS_DEMO"
SCALE = "PALMONAS_SCALE"
REDIS_CONFIGURATION = """\
bind * -::*
port 6379
requirepass {password}
appendonly no
save ""
maxmemory 256mb
maxmemory-policy noeviction
dir /data
"""


def prepare_volumes(
    volumes: Path = VOLUMES, own_files: Path = OWN_FILES, environ: Mapping[str, str] = os.environ
) -> None:
    """Make what is missing; configuration is written anew each time.

    Raises ConfigError with one sentence for a file of the operator's that does not fit, before anything is written.
    """
    for name in ("", *OWN_DIRECTORIES):
        if (own_files / name).exists() and not os.access(own_files / name, os.R_OK | os.X_OK):
            raise ConfigError(
                f"containers/settings/{name} cannot be entered by user {os.geteuid()}: let everybody read the clone, "
                "or that directory (chmod a+rX)"
            )
    certificate = _check_certificate(own_files / "tls", environ.get(TLS, ""))
    given = _read_given(own_files / "secrets")
    alertmanager = merge_receivers(SOURCE / "alertmanager.yml", own_files / "alertmanager" / "receivers.yml")
    for name in CONSUMERS:
        if not os.access(volumes / name, os.W_OK):
            raise ConfigError(f"the volume at {volumes / name} cannot be written by user {os.geteuid()}")
    _prepare_servers(volumes, scale=environ.get(SCALE) == "1")
    _prepare_service(volumes / "app", given, demo=environ.get(DEMO) == "1")
    _keep(volumes / "grafana" / "grafana_admin_password", secrets.token_urlsafe(24))
    if certificate is not None:
        _write(volumes / "haproxy" / "front-door.pem", certificate)
    door = Door(
        port=4000,
        stats="*:4101",
        certificate="/run/palmonas/front-door.pem" if certificate else None,
        inner="*:4001",
        resolver="127.0.0.11:53",
    )
    _write(volumes / "haproxy" / "haproxy.cfg", render_door(door))
    _write(volumes / "alertmanager" / "alertmanager.yml", alertmanager)


def _prepare_servers(volumes: Path, *, scale: bool) -> None:
    """Passwords of PostgreSQL and Redis, and the files in which those who connect to them find theirs."""
    passwords = {role: _keep(volumes / "postgres" / f"{role}.password", secrets.token_urlsafe(24)) for role in ROLES}
    redis = _keep(volumes / "redis" / "redis.password", secrets.token_urlsafe(24))
    configuration = REDIS_CONFIGURATION.format(password=redis)
    _write(volumes / "redis" / "redis.conf", configuration + (f"masterauth {redis}\n" if scale else ""))
    # containers/redis-start.sh knows the master when it starts a Sentinel.
    _write(volumes / "redis" / "sentinel.conf", describe_sentinel("* -::*", 26379, 6379, redis, "@master@"))
    address = "postgresql://palmonas:{}@{}:5432/palmonas"
    _write(volumes / "app" / "database_url", address.format(passwords["palmonas"], "postgres"))
    replica = volumes / "app" / "database_replica_url"
    if scale:
        _write(replica, address.format(passwords["palmonas"], "postgres-replica"))
    else:
        replica.unlink(missing_ok=True)
    _write(volumes / "app" / "redis_url", f"redis://default:{redis}@redis:6379/0")
    _write(volumes / "monitoring" / "postgres.password", passwords["palmonas_monitor"])
    watched = {f"redis://{name}:6379": redis for name in ("redis", "redis-replica")}
    _write(volumes / "monitoring" / "redis.json", json.dumps(watched))


def _prepare_service(directory: Path, given: Mapping[str, str], *, demo: bool) -> None:
    """The service's own secrets: those the operator gives, else made ones; of the simulated channels in a demo only."""
    for name in WEBHOOK_SECRETS:
        _keep(directory / name.lower(), make_secret(name))
    for name in (*(one.lower() for one in API_SECRETS), CONTROL_TOKEN_FILE):
        if demo:
            _keep(directory / name, make_secret(name.upper()))
        else:
            (directory / name).unlink(missing_ok=True)
    for name, text in given.items():
        _write(directory / name, text)


def _read_given(directory: Path) -> dict[str, str]:
    """The secrets that lie in the operator's directory, by the name of their setting in lower case."""
    found = {}
    for path in sorted(directory.glob("[!.]*")):
        if path.name not in SECRET_NAMES - {"database_url", "redis_url"}:
            raise ConfigError(
                f"containers/settings/secrets/{path.name} is no secret of a setting; "
                f"name it as the setting, in lower case, such as shopify_secrets"
            )
        if text := _read_own(path).strip():
            found[path.name] = text
    return found


def _check_certificate(directory: Path, name: str) -> str | None:
    """The certificate and key of the front door; None when none is wanted. Raises ConfigError."""
    if not name:
        return None
    path = directory / name
    if Path(name).name != name or not path.is_file():
        raise ConfigError(
            f"{TLS} is {name!r}, and there is no such file in containers/settings/tls: put the certificate with its "
            "chain and its key there, in one PEM file, or unset it to serve without TLS"
        )
    text = _read_own(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    except ssl.SSLError as error:
        raise ConfigError(
            f"containers/settings/tls/{name} does not hold a certificate and the key that fits it: {error.reason}"
        ) from error
    return text


def _read_own(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"containers/settings/{path.parent.name}/{path.name} cannot be read by user {os.geteuid()} "
            f"({type(error).__name__}): let that user read it"
        ) from error


def _keep(path: Path, text: str) -> str:
    """The content of `path`, made of `text` on first use."""
    if not path.exists():
        _write(path, text)
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    """Readable by everybody in the one container that has this volume: its user differs from ours."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o444)
    new.replace(path)
