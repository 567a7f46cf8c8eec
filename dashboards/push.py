"""Dashboards into a Grafana's folder, all or nothing, and back out as a diff of what somebody edited by hand.

Nothing is ever overwritten unseen: each save names the version that was looked at, and Grafana refuses it (412) when
somebody saved in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from app.errors import UsageError
from dashboards.grafana import TOKEN, Grafana, GrafanaError

Board = dict[str, Any]
Report = Callable[[str], object]
# What Grafana numbers by itself; pluginVersion is written into panels by whoever saves in a browser.
NUMBERED, OF_PANELS = ("id", "version", "iteration"), "pluginVersion"


@dataclass(frozen=True)
class Folder:
    """A folder at the root: uid (what dashboards are filed by) and title (used when it is made)."""

    uid: str
    title: str


@dataclass(frozen=True)
class Change:
    """One dashboard as it shall be and as it is there now, if it is."""

    wanted: Board
    there: Board | None

    @property
    def uid(self) -> str:
        return str(self.wanted["uid"])

    @property
    def kind(self) -> str:
        if self.there is None:
            return "create"
        return "leave" if normalise(self.there) == normalise(self.wanted) else "change"


@dataclass(frozen=True)
class Plan:
    folder: Folder
    makes_folder: bool
    changes: tuple[Change, ...]

    def count(self, kind: str) -> int:
        return sum(change.kind == kind for change in self.changes)


def normalise(board: Board) -> str:
    """The dashboard as text that is the same whenever it shows the same."""
    kept = {key: value for key, value in board.items() if key not in NUMBERED}
    return json.dumps(_strip(kept), indent=2, sort_keys=True, ensure_ascii=False)


def _strip(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strip(one) for key, one in value.items() if key != OF_PANELS}
    return [_strip(one) for one in value] if isinstance(value, list) else value


def make_plan(grafana: Grafana, boards: Sequence[Board], folder: Folder) -> Plan:
    """What a push would do; asks and changes nothing.

    Raises UsageError with all there is against it: Grafana, the token's rights, and every uid that is not ours to use.
    """
    grafana.check()
    rights = grafana.read_rights()
    place = grafana.find(grafana.api.folder.get_folder, folder.uid)
    problems, changes = [], []
    if place is not None and place.get("canSave") is False:
        problems.append(f"the token may not save into the folder {place.get('title')!r}")
    for board in boards:
        there, meta = grafana.find_dashboard(board["uid"]) or (None, {})
        changes.append(Change(board, there))
        if there is not None:
            problems += _find_conflicts(str(board["uid"]), meta, folder)
    plan = Plan(folder, place is None, tuple(changes))
    if lacking := sorted(_list_needed(plan) - rights.keys()):
        problems.append(f"{TOKEN} lacks {', '.join(lacking)}: give its service account the role Editor")
    if problems:
        raise UsageError(f"nothing was changed at {grafana.url}: {'; '.join(problems)}")
    return plan


def _find_conflicts(uid: str, meta: dict[str, Any], folder: Folder) -> list[str]:
    if meta.get("isFolder"):
        return [f"{uid} is the uid of a folder there"]
    if meta.get("provisioned"):
        return [f"{uid} comes from a file of that server (provisioned): change it there"]
    if meta.get("folderUid", "") != folder.uid:
        where = (
            f"the folder {meta.get('folderTitle')!r} ({meta['folderUid']})" if meta.get("folderUid") else "no folder"
        )
        return [f"{uid} lives in {where}: move it, or say --folder"]
    return [f"the token may not save {uid}"] if meta.get("canSave") is False else []


def _list_needed(plan: Plan) -> set[str]:
    """Actions of Grafana's roles that the push needs, and those that it needs to take itself back.

    Who makes a folder is its admin: the rights for what is in it come with it, and an Editor has none of them before.
    """
    if plan.makes_folder:
        return {"folders:create"}
    needed = {"dashboards:create", "dashboards:delete"} if plan.count("create") else set()
    return needed | ({"dashboards:write"} if plan.count("change") else set())


def push(grafana: Grafana, plan: Plan, message: str) -> None:
    """Do what the plan says. When that fails in the middle, what was there before is put back.

    Raises UsageError that tells the cause, and what is left of it.
    """
    tried: list[Change] = []
    try:
        if plan.makes_folder:
            grafana.ask(grafana.api.folder.create_folder, plan.folder.title, uid=plan.folder.uid)
        for change in plan.changes:
            if change.kind != "leave":
                tried.append(change)
                _save(grafana, change.wanted, (change.there or {}).get("version", 0), plan.folder, message)
    except (GrafanaError, KeyboardInterrupt) as error:
        cause = str(error) or "interrupted"
        what = f" ({tried[-1].uid})" if tried else f" (folder {plan.folder.uid})"
        raise UsageError(f"{cause}{what}; {_put_back(grafana, plan, tried)}") from error


def _save(grafana: Grafana, board: Board, version: int, folder: Folder, message: str) -> None:
    body = {**board, "id": None, "version": version}
    saved = {"dashboard": body, "folderUid": folder.uid, "message": message, "overwrite": False}
    grafana.ask(grafana.api.dashboard.update_dashboard, saved)


def _put_back(grafana: Grafana, plan: Plan, tried: Sequence[Change]) -> str:
    """Undo what was tried, newest first; looks first, because a call without an answer may have been heard."""
    left = []
    for change in reversed(tried):
        try:
            found = grafana.find_dashboard(change.uid)
            if found is None or normalise(found[0]) != normalise(change.wanted):
                continue  # never saved, or somebody else's by now
            if change.there is None:
                grafana.ask(grafana.api.dashboard.delete_dashboard, change.uid)
            else:
                _save(grafana, change.there, found[0].get("version", 0), plan.folder, "a push failed: as before")
        except GrafanaError as error:
            left.append(f"{change.uid} ({error})")
    if plan.makes_folder and not left:
        try:
            if not grafana.list_dashboards(plan.folder.uid):
                grafana.find(grafana.api.folder.delete_folder, plan.folder.uid)
        except GrafanaError as error:
            left.append(f"folder {plan.folder.uid} ({error})")
    if left:
        return f"it could not be put back as it was: {', '.join(left)}. `palmonas grafana diff` shows what is there"
    return "all is as it was before"


def find_edits(grafana: Grafana, boards: Sequence[Board]) -> dict[str, str]:
    """By uid, how the dashboard there differs from ours: a unified diff, or that there is none."""
    grafana.check()
    edits = {}
    for board in boards:
        uid = str(board["uid"])
        found = grafana.find_dashboard(uid)
        if found is None:
            edits[uid] = f"{uid}: not there"
        elif lines := list(
            unified_diff(
                normalise(board).splitlines(),
                normalise(found[0]).splitlines(),
                f"{uid} (ours)",
                f"{uid} ({grafana.url}, version {found[0].get('version')})",
                lineterm="",
            )
        ):
            edits[uid] = "\n".join(lines)
    return edits
