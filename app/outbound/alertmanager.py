"""Alertmanager's API (v2): what fires there and is held back, and silences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.errors import AlertmanagerUnavailable, BadGateway, Malformed, NotFound
from app.outbound.own_server import OwnServer, Reply

TIMEOUT_S = 5.0
MAX_BYTES = 8 << 20
AT_ONCE = 4
LONGEST_SILENCE = timedelta(hours=24)  # a longer one is forgotten
UNTOUCHABLE = "Watchdog"  # the receiver that waits for it would call for help
SILENCE_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Matcher = dict[str, Any]


def match_label(name: str, value: str, *, equal: bool = True) -> Matcher:
    """One matcher of a silence, as the API takes it."""
    return {"name": name, "value": value, "isRegex": False, "isEqual": equal}


# In every silence that does not name an alert.
NEVER_UNTOUCHABLE = match_label("alertname", UNTOUCHABLE, equal=False)


class Alertmanager(OwnServer):
    """The Alertmanager at `base_url`. Every method raises AlertmanagerUnavailable, Overloaded, BadGateway."""

    name = "Alertmanager"
    unavailable = AlertmanagerUnavailable

    def __init__(self, base_url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(base_url, timeout_s=timeout_s, max_bytes=MAX_BYTES, at_once=AT_ONCE)

    def read_alerts(self) -> list[dict[str, Any]]:
        """What fires, with what silences and inhibits it."""
        return self._read_list("alerts")

    def read_silences(self) -> list[dict[str, Any]]:
        """The silences that hold now, or will."""
        return [one for one in self._read_list("silences") if one["status"]["state"] != "expired"]

    def make_silence(self, matchers: Sequence[Matcher], length: timedelta, *, author: str, reason: str) -> str:
        """Silence from now on; returns the id. Raises Malformed for what Alertmanager refuses."""
        now = datetime.now(UTC)
        wanted = {
            "matchers": list(matchers),
            "startsAt": now.isoformat(),
            "endsAt": (now + length).isoformat(),
            "createdBy": author,
            "comment": reason,
        }
        headers = {"Content-Type": "application/json"}
        made = _read_json(self.exchange("POST", "/api/v2/silences", body=orjson.dumps(wanted), headers=headers))
        try:
            return str(made["silenceID"])
        except (KeyError, TypeError) as error:
            raise BadGateway("what was to be Alertmanager answered something else") from error

    def end_silence(self, identity: str) -> None:
        """Raises NotFound when there is no such silence, and for what is no id of one."""
        if not SILENCE_ID.fullmatch(identity):
            raise NotFound("there is no such silence")
        reply = self.exchange("DELETE", f"/api/v2/silence/{identity}")
        if reply.status == 404 or b"not found" in reply.body.lower():  # 500 up to Alertmanager 0.27, 404 since
            raise NotFound("there is no such silence")
        if reply.status != 200:
            raise BadGateway(f"Alertmanager answered with status {reply.status}")

    def _read_list(self, page: str) -> list[dict[str, Any]]:
        found = _read_json(self.exchange("GET", f"/api/v2/{page}"))
        if not isinstance(found, list):
            raise BadGateway("what was to be Alertmanager answered something else")
        return found


def _read_json(reply: Reply) -> Any:
    if reply.status in (400, 422):
        raise Malformed(f"Alertmanager refuses this: {' '.join(reply.body.decode(errors='replace').split())[:300]}")
    if reply.status != 200 or reply.content_type != "application/json":
        raise BadGateway(f"what was to be Alertmanager answered with status {reply.status} and no result")
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError as error:
        raise BadGateway("what was to be Alertmanager answered something else") from error
