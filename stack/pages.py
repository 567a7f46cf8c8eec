"""HTTP to this machine's own processes: with a deadline, and never through a proxy of the environment."""

from __future__ import annotations

import requests


def open_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def fetch_page(url: str, deadline_s: float) -> requests.Response | None:
    """The answer of `url`, or None when there is none within `deadline_s` seconds."""
    with open_session() as session:
        try:
            return session.get(url, timeout=deadline_s)
        except requests.RequestException:
            return None
