"""Every dashboard in Chromium, on a stack of its own under load: `make test-dashboards`.

Takes some minutes. The pictures go to docs/pictures, for people to look at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from stack.preview import PREVIEW
from tests.browser import LARGEST_PICTURE, look_at_dashboard, open_browser
from tests.running import Stack, make_stack

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
UIDS = sorted(json.loads(path.read_text("utf-8"))["uid"] for path in (ROOT / "grafana" / "dashboards").glob("*.json"))
WIDTHS = (1440, 390)
LOAD_S = 180  # before anybody looks: rates and recorded series over five minutes begin to show something


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A demo, and Locust at work on it until the end."""
    lines: list[str] = []
    PREVIEW.build(lines.append)
    assert (PREVIEW.built / "index.html").exists(), lines
    with make_stack("seen") as made:
        made.ensure_demo()
        load = subprocess.Popen(
            [sys.executable, "-m", "locust", "--headless", "--only-summary", "--loglevel", "ERROR", "--users", "3",
             "--spawn-rate", "3", "--run-time", "30m", "--forged", "0", "--host", f"http://127.0.0.1:{made.port}"],
            cwd=ROOT,
            env={**os.environ, "PALMONAS_STATE": str(made.state)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            time.sleep(LOAD_S)
            assert load.poll() is None, "Locust has ended by itself"
            yield made
        finally:
            load.terminate()
            load.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return (stack.state / "secrets" / "admin.token").read_text("ascii").strip()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_shows_all_it_has(stack: Stack, browser: Browser, token: str, uid: str, width: int) -> None:
    PICTURES.mkdir(exist_ok=True)
    picture = PICTURES / f"{uid}-{width}.jpg"
    seen = look_at_dashboard(browser, f"http://127.0.0.1:{stack.port}", uid, width, token=token, picture=picture)
    # How long it took depends on the machine: told, not judged.
    print(f"{uid} at {width} px: first panel after {seen.first_s:.1f} s")
    assert seen.list_faults() == []
    assert picture.stat().st_size < LARGEST_PICTURE


def test_nobody_sees_it_without_a_token(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    address = f"http://127.0.0.1:{stack.port}/dashboards/palmonas-overview"
    assert page.request.get(address, max_redirects=0).status == 401
    answer = page.request.get(address, headers={"Accept": "text/html"}, max_redirects=0)
    if answer.status == 303:
        assert answer.headers["location"] == "/console/login?next=%2Fdashboards%2Fpalmonas-overview"
    else:  # the console, which has the login, is not built here
        assert (answer.status, answer.headers["www-authenticate"][:5]) == (401, "Basic")
    page.close()
