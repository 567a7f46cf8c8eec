"""Where a command's settings come from: the environment, else the stack that runs on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping

from app.config import PREFIX, SETTINGS, Config
from stack.layout import find_state, load_layout


def load_config(environ: Mapping[str, str] = os.environ) -> Config:
    """Settings for a command typed by a person. An environment that names a database is taken as it is.

    The processes of the service do not use this: what they run with is set, or they do not start.
    """
    if f"{PREFIX}DATABASE_URL" in environ or f"{PREFIX}DATABASE_URL_FILE" in environ:
        return Config(environ)
    return Config({**find_stack_settings(environ), **environ})


def find_stack_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """`PALMONAS_<NAME>_FILE` of each secret the local stack keeps and the environment does not set."""
    stack = load_layout(find_state(environ))
    if stack is None:
        return {}
    found = {}
    for setting in SETTINGS:
        path = stack.secrets / setting.name.lower()
        if setting.secret and PREFIX + setting.name not in environ and os.access(path, os.R_OK):
            found[f"{PREFIX}{setting.name}_FILE"] = str(path)
    return found
