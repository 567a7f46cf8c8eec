"""A broken configuration is deployed to Alertmanager: the reload is refused, and it goes on with what it has."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("AlertmanagerConfigReloadFailed",)


def inject(stand: Stand) -> None:
    path = stand.layout.state / "alertmanager/alertmanager.yml"
    good = path.read_text(encoding="utf-8")
    stand.undo.callback(stand.reload, "alertmanager")
    stand.undo.callback(path.write_text, good, "utf-8")
    path.write_text("route: {receiver: nobody}\nreceivers: []\n", encoding="utf-8")
    stand.reload("alertmanager")


def heal(stand: Stand) -> None:
    stand.undo.close()
