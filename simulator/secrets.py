"""The simulator's secrets: files in one directory, under the names of the service's settings.

So `PALMONAS_<NAME>_FILE` of the service can name the same files. What is missing is made.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import fields
from pathlib import Path

from app.channels import check_secrets
from app.errors import UsageError
from simulator.simulation import Credentials

WEBHOOK_CHANNELS = ("shopify", "woocommerce", "standard")


def make_secret(name: str) -> str:
    if name.startswith("standard_"):
        return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_urlsafe(32)


def read_or_make(directory: Path, name: str) -> str:
    """The first word of the file `name`, readable by its owner alone when it is made here. Raises UsageError."""
    path = directory / name
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(make_secret(name) + "\n", encoding="utf-8")
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read or make the secret {path}") from error
    if not words:
        raise UsageError(f"{path} is empty; delete it to have a new secret made")
    return words[0]


def load_credentials(directory: Path, control_token_file: Path | None = None) -> tuple[Credentials, dict[str, str]]:
    """What callers must show, and the signing secrets of the webhooks.

    Raises UsageError, and ConfigError for a secret that the channel cannot sign with.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the directory {directory} ({error.strerror})") from error
    values = {field.name: read_or_make(directory, field.name) for field in fields(Credentials)}
    if control_token_file is not None:
        values["simulator_control_token"] = read_or_make(control_token_file.parent, control_token_file.name)
    webhooks = {name: read_or_make(directory, f"{name}_secrets") for name in WEBHOOK_CHANNELS}
    check_secrets({name: [secret] for name, secret in webhooks.items()})
    check_secrets({"standard": [values["standard_push_secret"]]})
    return Credentials(**values), webhooks
