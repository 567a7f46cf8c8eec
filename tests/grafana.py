"""A server that answers as Grafana's HTTP API does, over real HTTP and with a memory. No real Grafana was at hand.

Sources, of Grafana 11.6: the pages "Dashboard", "Folder", "Annotations", "Folder/Dashboard Search" and "Other" of its
HTTP API documentation for paths, bodies, answers and status codes. From its source code, where the pages are silent:
pkg/services/dashboards/errors.go (400 "Cannot save provisioned dashboard" and "provisioned dashboard cannot be
deleted", 412 version-mismatch with its body), pkg/api/dtos/dashboard.go (meta: canSave, provisioned, isFolder,
folderTitle), pkg/services/accesscontrol/api/api.go (GET /api/access-control/user/permissions: scopes by action).
"""

from __future__ import annotations

import copy
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

EDITOR, VIEWER = "glsa_eDiToR7Jx2vQm4Rk", "glsa_vIeWeR7Jx2vQm4Rk"
READS = ["dashboards:read", "folders:read", "annotations:read"]
WRITES = [f"{what}:{how}" for what in ("dashboards", "folders") for how in ("create", "write", "delete")]
IN_FOLDERS = [f"{what}:{how}" for what in ("dashboards", "folders") for how in ("write", "delete")]
ROLES = {EDITOR: {*READS, *WRITES, "annotations:create", "annotations:write"}, VIEWER: set(READS)}
Answer = tuple[int, Any]


@dataclass
class Stored:
    board: dict[str, Any]
    folder: str
    provisioned: bool = False
    versions: list[str] = field(default_factory=list)  # the messages of its history


class FakeGrafana:
    """Use as a context. `breaks` maps "METHOD path" to an answer that comes instead, once: (status, body), where a body
    of str is no JSON, and a status of 0 says nothing for longer than tests wait.
    """

    def __init__(self) -> None:
        self.folders: dict[str, str] = {}
        self.boards: dict[str, Stored] = {}
        self.annotations: list[dict[str, Any]] = []
        self.breaks: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.numbers = 0
        self.lock = threading.Lock()
        fake = self

        class Page(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                status, answer = fake.serve(self.command, self.path, body, token)
                if status == 0:
                    time.sleep(2.5)
                    self.close_connection = True
                    return
                text = answer if isinstance(answer, str) else json.dumps(answer)
                self.send_response(status)
                kind = "text/html" if isinstance(answer, str) else "application/json; charset=UTF-8"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing of each request."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/grafana"

    def __enter__(self) -> FakeGrafana:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def put(self, board: dict[str, Any], folder: str = "palmonas", *, provisioned: bool = False) -> None:
        """What somebody else did: a dashboard that is there before, or was edited by hand."""
        old = self.boards.get(board["uid"])
        version = old.board["version"] + 1 if old else 1
        stored = copy.deepcopy(board) | {"id": self.count(), "version": version}
        self.boards[board["uid"]] = Stored(stored, folder, provisioned)

    def count(self) -> int:
        self.numbers += 1
        return self.numbers

    def show(self) -> dict[str, Any]:
        """All it holds of folders and dashboards, without the versions."""
        boards = {uid: {**one.board, "id": 0, "version": 0} for uid, one in self.boards.items()}
        return {"folders": dict(self.folders), "boards": copy.deepcopy(boards)}

    def serve(self, method: str, target: str, body: Any, token: str) -> Answer:
        parts = urlsplit(target)
        path = parts.path.removeprefix("/grafana/api")
        with self.lock:
            self.asked.append(f"{method} {path}")
            if f"{method} {path}" in self.breaks:
                return self.breaks.pop(f"{method} {path}")
            if path == "/health":
                return 200, {"commit": "f0c4ec2", "database": "ok", "version": "11.6.0"}
            if token not in ROLES:
                return 401, {
                    "message": "Invalid API key",
                    "messageId": "api-key.invalid",
                    "statusCode": 401,
                    "traceID": "",
                }
            # An Editor's rights to write and delete are those in folders, and come with the first.
            rights = ROLES[token] if self.folders else ROLES[token] - set(IN_FOLDERS)
            return self.route(method, path.strip("/").split("/"), body, rights, parse_qs(parts.query))

    def route(  # noqa: PLR0911 - one answer for each path
        self, method: str, path: list[str], body: Any, rights: set[str], query: dict[str, list[str]]
    ) -> Answer:
        match method, *path:
            case "GET", "access-control", "user", "permissions":
                return 200, {right: [""] if right == "folders:create" else ["folders:*"] for right in sorted(rights)}
            case "GET", "folders", uid:
                return self.show_folder(uid, rights) if uid in self.folders else (404, {"message": "folder not found"})
            case "GET", "dashboards", "uid", uid:
                return self.show_board(uid, rights) if uid in self.boards else (404, {"message": "Dashboard not found"})
            case "GET", "search":
                chosen = query["folderUIDs"]
                return 200, [
                    {"uid": uid, "title": one.board["title"], "type": "dash-db", "folderUid": one.folder}
                    for uid, one in self.boards.items()
                    if one.folder in chosen
                ]
            case "POST", "annotations" if "annotations:create" in rights:
                self.annotations.append(body)
                return 200, {"message": "Annotation added", "id": len(self.annotations)}
            case "POST", "folders" if "folders:create" in rights:
                if body["uid"] in self.folders:
                    return 409, {"message": "a folder with that uid already exists"}
                self.folders[body["uid"]] = body["title"]
                return self.show_folder(body["uid"], rights)
            case "DELETE", "folders", uid if "folders:delete" in rights:
                del self.folders[uid]
                self.boards = {name: one for name, one in self.boards.items() if one.folder != uid}
                return 200, {"message": "Folder deleted", "id": 2}
            case "POST", "dashboards", "db" if "dashboards:write" in rights:
                return self.save(body)
            case "DELETE", "dashboards", "uid", uid if "dashboards:delete" in rights:
                if self.boards[uid].provisioned:
                    return 400, {"message": "provisioned dashboard cannot be deleted"}
                title = self.boards.pop(uid).board["title"]
                return 200, {"title": title, "message": f"Dashboard {title} deleted", "id": 2}
        return 403, {"message": "You'll need additional permissions to perform this action.", "title": "Access denied"}

    def show_folder(self, uid: str, rights: set[str]) -> Answer:
        may = "folders:write" in rights
        return 200, {"id": 1, "uid": uid, "title": self.folders[uid], "canSave": may, "canEdit": may, "version": 1}

    def show_board(self, uid: str, rights: set[str]) -> Answer:
        stored = self.boards[uid]
        meta = {
            "canSave": "dashboards:write" in rights,
            "folderUid": stored.folder,
            "folderTitle": self.folders.get(stored.folder, "General"),
            "isFolder": False,
            "provisioned": stored.provisioned,
            "version": stored.board["version"],
        }
        return 200, {"dashboard": stored.board, "meta": meta}

    def save(self, body: dict[str, Any]) -> Answer:
        board = body["dashboard"]
        old = self.boards.get(board["uid"])
        if body["folderUid"] not in self.folders:
            return 404, {"message": "Folder not found"}
        if old and old.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        if old and old.board["version"] != board["version"] and not body["overwrite"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        version = old.board["version"] + 1 if old else 1
        messages = [*(old.versions if old else ()), body["message"]]
        stored = board | {"id": old.board["id"] if old else self.count(), "version": version}
        self.boards[board["uid"]] = Stored(stored, body["folderUid"], versions=messages)
        return 200, {"id": stored["id"], "uid": board["uid"], "status": "success", "version": version}
