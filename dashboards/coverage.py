"""What only a whole set of dashboards can break: alerts without a panel, links that lead nowhere; what may be empty."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from dashboards.dress import EMPTY, WATCHED
from rules.files import Alert

_WATCHED = re.compile(rf"^{WATCHED}(.+) \(docs/runbooks\)\.$", re.MULTILINE)
_EMPTY = re.compile(rf"^{EMPTY}(.+)\.$", re.MULTILINE)
_TO_DASHBOARD = re.compile(r"/d/([A-Za-z0-9_-]+)")
# It fires always and watches nothing.
WITHOUT_PANEL = frozenset({"Watchdog"})


def check_set(boards: Sequence[dict[str, Any]], alerts: Sequence[Alert]) -> Iterator[str]:
    """What the dashboards break together, one sentence each."""
    shown = {board["uid"]: {name for panel in board["panels"] for name in find_watched(panel)} for board in boards}
    for alert in alerts:
        leads = _TO_DASHBOARD.search(alert.annotations["dashboard_url"])
        uid = leads[1] if leads else ""
        if uid not in shown:
            yield f"alert {alert.name} leads to the dashboard {uid or 'of no uid'}, which does not exist"
        elif alert.name not in shown[uid] | WITHOUT_PANEL:
            yield f"alert {alert.name} leads to {uid}, where no panel says that it is watched by it"
    known = {alert.name for alert in alerts}
    for board in boards:
        for name in sorted(shown[board["uid"]] - known):
            yield f"{board['uid']}: a panel is watched by {name}, which is no alert"
        for uid in sorted(_find_targets(board) - shown.keys()):
            yield f"{board['uid']}: a link leads to {uid}, which is no dashboard"


def find_watched(panel: dict[str, Any]) -> list[str]:
    """The names of the alerts that watch what a panel shows."""
    found = _WATCHED.search(panel.get("description") or "")
    return found[1].split(", ") if found else []


def find_reasons(board: dict[str, Any]) -> dict[int, str]:
    """Panel id -> why a healthy system may have nothing to show there. Every other panel must show something."""
    found = {panel["id"]: _EMPTY.search(panel.get("description") or "") for panel in board["panels"]}
    return {number: reason[1] for number, reason in found.items() if reason}


def _find_targets(board: dict[str, Any]) -> set[str]:
    """The uids that the links of a dashboard and its panels lead to, but for those made of a label's value."""
    links = list(board.get("links") or [])
    for panel in board["panels"]:
        links += panel.get("links") or []
        links += (panel.get("fieldConfig") or {}).get("defaults", {}).get("links") or []
    found = (
        _TO_DASHBOARD.match(link.get("url") or "") for link in links if "/d/palmonas-${" not in (link.get("url") or "")
    )
    return {one[1] for one in found if one}
