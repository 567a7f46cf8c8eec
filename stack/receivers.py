"""Alertmanager's configuration: the committed routes, and the receivers of whoever runs the stack."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from app.errors import ConfigError
from stack.binaries import find_program

CHECK_DEADLINE_S = 10


def merge_receivers(configuration: Path, receivers: Path) -> str:
    """The text of `configuration` with the receivers of the file `receivers` in place of those of the same name.

    Raises ConfigError with a sentence when that file does not fit.
    """
    merged = yaml.safe_load(configuration.read_text(encoding="utf-8"))
    if receivers.is_file():
        known = [one["name"] for one in merged["receivers"]]
        given = {one["name"]: one for one in _read_receivers(receivers, known)}
        merged["receivers"] = [given.get(name, {"name": name}) for name in known]
    return yaml.safe_dump(merged, sort_keys=False, allow_unicode=True)


def _read_receivers(path: Path, known: list[str]) -> list[dict[str, Any]]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    found = document.get("receivers") if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConfigError(f"{path} must have a list `receivers`, as prometheus/receivers.example.yml has")
    for one in found:
        if one.get("name") not in known:
            raise ConfigError(f"{path}: receiver {one.get('name')!r} is not known; there are: {', '.join(known)}")
    return found


def check_configuration(path: Path) -> None:
    """Ask amtool, where there is one, whether Alertmanager would take `path`. Raises ConfigError."""
    amtool = find_program("amtool")
    if amtool is None:
        return
    done = subprocess.run(
        [amtool, "check-config", path], capture_output=True, text=True, timeout=CHECK_DEADLINE_S, check=False
    )
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split())
        raise ConfigError(f"Alertmanager does not take the receivers.yml of this stack: {said}")
