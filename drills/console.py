"""What a drill's operators ask of the console."""

from __future__ import annotations

import requests

from drills.stand import Stand

ASK_DEADLINE_S = 20.0


def make_headers(stand: Stand) -> dict[str, str]:
    """The headers of an operator with the stack's own token."""
    return {"Authorization": f"Bearer {stand.layout.token_file.read_text(encoding='ascii').strip()}"}


def list_orders(stand: Stand, base_url: str = "") -> requests.Response:
    """One list of orders, through the front door or from the instance at `base_url`. Raises RequestException."""
    url = f"{base_url or stand.layout.base_url}/orders?limit=1"
    return requests.get(url, headers=make_headers(stand), timeout=ASK_DEADLINE_S)
