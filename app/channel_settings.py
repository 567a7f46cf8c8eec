"""The settings of each channel, from the `settings.toml` in its folder under `app/channels`.

Data and not code, so that settings can be read, listed and checked without importing a channel. A table
`[API_URL]` in the folder `shopify` is the setting PALMONAS_SHOPIFY_API_URL.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.setting_values import Setting, read_credential, read_secrets, read_web_address, read_words

FOLDER = Path(__file__).parent / "channels"
SECRETS = "SECRETS"  # what signs a channel's webhooks; a channel without such a setting sends none

# type in the file -> how the text is read, and what holds when it is absent
TYPES: dict[str, tuple[Callable[[str], Any], Any]] = {
    "signing_secrets": (read_secrets, ()),
    "credential": (read_credential, ""),
    "web_address": (read_web_address, ""),
    "words": (read_words, ()),
    "text": (str, ""),
}


def _read_folder(path: Path) -> dict[str, Setting]:
    """The settings of one channel by their names within it."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _make_setting(path.parent.name, name, **table) for name, table in tables.items()}


def _make_setting(
    channel: str, name: str, *, type: str, meaning: str, secret: bool = False, default: str = ""
) -> Setting:
    read, absent = TYPES[type]
    return Setting(f"{channel.upper()}_{name}", read, default or absent, meaning, secret)


BY_CHANNEL: dict[str, dict[str, Setting]] = {
    path.parent.name: _read_folder(path) for path in sorted(FOLDER.glob("*/settings.toml"))
}
