"""The discovery loses HAProxy: it runs, and Prometheus does not know of it."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("HaproxyAbsent",)
DETECT_S = 90.0  # Prometheus looks at its target files every five seconds, and the last samples go stale


def inject(stand: Stand) -> None:
    path = stand.layout.state / "prometheus/targets/haproxy.json"
    good = path.read_text(encoding="utf-8")
    stand.undo.callback(path.write_text, good, "utf-8")
    path.write_text("[]\n", encoding="utf-8")


def heal(stand: Stand) -> None:
    stand.undo.close()
