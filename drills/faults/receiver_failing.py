"""The receiver of warnings is gone: Alertmanager cannot deliver one, and the receiver of pages must hear of that."""

from __future__ import annotations

from drills.stand import Stand
from stack.processes import find_free_port

EXPECT = ("AlertmanagerNotificationsFailing",)
DETECT_S = 90.0
MAY = {"PostgresIdleInTransaction": "what could not be delivered comes when the receiver is back"}


def inject(stand: Stand) -> None:
    path = stand.layout.state / "alertmanager/alertmanager.yml"
    good = path.read_text(encoding="utf-8")
    stand.undo.callback(stand.reload, "alertmanager")
    stand.undo.callback(path.write_text, good, "utf-8")
    url = f"{stand.receiver.url}/warning"
    path.write_text(good.replace(url, f"http://127.0.0.1:{find_free_port()}/gone"), encoding="utf-8")
    stand.reload("alertmanager")
    stand.connect().cursor().execute("BEGIN; SELECT 1")  # idles in its transaction: a warning to deliver


def heal(stand: Stand) -> None:
    stand.undo.close()
