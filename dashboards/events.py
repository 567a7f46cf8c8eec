"""What happened and when, on the dashboards: drills and load say it of themselves, if there is a Grafana to tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from app.errors import PalmonasError
from dashboards.grafana import URL, open_grafana

TAG = "palmonas"
# The kinds that every dashboard of ours asks for, and the colour of their lines.
EVENTS = {"deploy": "blue", "drill": "orange", "load-test": "purple"}


def tell_event(
    kind: str,
    text: str,
    start: float,
    end: float,
    *,
    say: Callable[[str], object],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Tell Grafana of an event of EVENTS from `start` to `end`, in seconds since 1970.

    Does nothing while PALMONAS_GRAFANA_URL is not set, and takes the time of one call at most. It never fails its
    caller: what kept it from telling goes to `say`, in one line.
    """
    if not (environ.get(URL) or environ.get(f"{URL}_FILE")):
        return
    try:
        with open_grafana(environ) as grafana:
            grafana.annotate(text, [TAG, kind], start, end)
    except PalmonasError as error:
        say(f"Grafana was not told of this {kind}: {error}")
