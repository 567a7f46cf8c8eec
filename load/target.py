"""Where the load goes and what it shows there: this machine unless told otherwise, and the local stack's secrets."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from app.channels import WEBHOOKS
from app.errors import UsageError
from cli.send import find_url
from cli.settings import load_config
from stack.layout import find_state, load_layout

CONNECT_S = 5.0
START = "start the service with: palmonas up"


def is_loopback(host: str) -> bool:
    """True for a name or an address that never leaves this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_target(url: str, allowed_host: str | None) -> str:
    """`url` without a slash at its end. Raises UsageError for no address, and for a host that may not be loaded."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, 0
    if not host or port == 0 or parts.scheme not in ("http", "https"):
        raise UsageError(f"{url!r} is no address; it must look like http://127.0.0.1:4000")
    if not is_loopback(host) and host != allowed_host:
        raise UsageError(
            f"{host} is not this machine; load can hurt whoever gets it. If it is yours: --allow-host {host}"
        )
    return url.rstrip("/")


def check_answers(url: str) -> None:
    """Raise UsageError when nothing listens at `url`."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_S).close()
    except OSError as error:
        raise UsageError(f"nothing answers at {url}; {START}, or pass its --host") from error


def find_target(url: str | None, allowed_host: str | None) -> str:
    """The address to load: `url`, else the local stack's front door. Raises UsageError."""
    return check_target(url or find_url(), allowed_host)


def read_secrets() -> Mapping[str, str]:
    """The newest secret of each channel that has webhooks and a secret. Raises UsageError and ConfigError."""
    known = load_config().channel_secrets
    found = {name: known[name][0] for name in WEBHOOKS if name in known}
    if not found:
        raise UsageError(f"no channel has a secret to sign with; {START}, or set PALMONAS_<CHANNEL>_SECRETS_FILE")
    return found


def read_token(path: str | None) -> str:
    """The operator's API token: of the file `path`, else of the local stack. Raises UsageError."""
    stack = load_layout(find_state())
    if path is not None:
        file = Path(path)
    elif stack is not None:
        file = stack.token_file
    else:
        raise UsageError(f"there is no token for the operator; {START}, pass --token-file, or --exclude-tags operator")
    try:
        words = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the token in {file}") from error
    if not words:
        raise UsageError(f"{file} is empty; it must hold an API token")
    return words[0]
