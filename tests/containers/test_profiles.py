"""The profiles demo, load and dev: each is started, and its page or its work looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from app.api.sessions import COOKIE
from stack.processes import wait_until
from stack.simulated import CHANNELS
from tests.browser import open_browser
from tests.containers.engine import ROOT, Engine
from tests.containers.orders import ask_database, count_orders
from tests.containers.stack import Stack, read_settings

DEADLINE_S = 240.0
PAGE_DEADLINE_MS = 60_000
EACH = 20


@pytest.fixture(scope="module")
def demo(built: Engine) -> Iterator[Stack]:
    """What containers/demo.env brings up, without the monitoring."""
    stack = Stack(built, project="palmonas-profiles", settings=read_settings("demo"))
    stack.build("load", "console")
    workers = [f"worker-{queue}" for queue in ("ingest", "tasks", "poll", "push")]
    try:
        stack.start("haproxy", "api-accept", "api-console", *workers, "dispatcher", "simulator")
        yield stack
    finally:
        stack.stop()


def test_the_demo_fills_the_shop_from_every_channel(demo: Stack) -> None:
    demo.compose("up", "--detach", "--no-build", "demo-orders", deadline_s=DEADLINE_S)
    wanted = EACH * len(CHANNELS)
    assert wait_until(lambda: count_orders(demo) == wanted, DEADLINE_S, pause_s=1), count_orders(demo)
    [ended] = [one for one in demo.ps() if one["Service"] == "demo-orders"]
    assert (ended["State"], ended["ExitCode"]) == ("exited", 0)
    by_channel = ask_database(demo, "SELECT channel || ' ' || count(*) FROM orders GROUP BY channel ORDER BY 1")
    assert by_channel.splitlines() == [f"{channel} {EACH}" for channel in sorted(CHANNELS)]


def test_the_demo_user_may_log_in(demo: Stack) -> None:
    password = demo.read_secret("admin.password")
    login = {"email": "admin@demo.example", "password": password}
    answer = requests.post(f"{demo.url}/session", json=login, timeout=30)
    assert answer.status_code == 200, answer.text
    # By hand: the cookie is for TLS, or for a browser on this machine.
    cookie = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}
    assert requests.get(f"{demo.url}/orders", headers=cookie, timeout=30).status_code == 200


def test_locusts_page_loads_the_front_door(demo: Stack) -> None:
    demo.start("locust")
    url = f"http://127.0.0.1:{demo.ports['LOCUST_PORT']}"
    assert requests.get(url, timeout=30).status_code == 200

    def read_stats() -> dict[str, float]:
        found: dict[str, float] = requests.get(f"{url}/stats/requests", timeout=30).json()["stats"][-1]
        return found

    started = requests.post(f"{url}/swarm", data={"user_count": 2, "spawn_rate": 2}, timeout=30)
    assert started.json()["success"], started.text
    try:
        assert wait_until(lambda: read_stats()["num_requests"] >= 30, DEADLINE_S, pause_s=1)
        assert read_stats()["num_failures"] == 0
    finally:
        requests.get(f"{url}/stop", timeout=30)


def test_the_console_is_served_from_its_sources(demo: Stack) -> None:
    demo.start("console-dev")
    url = f"http://127.0.0.1:{demo.ports['CONSOLE_PORT']}"
    page = requests.get(f"{url}/console/", timeout=30)
    assert (page.status_code, "@vite/client" in page.text) == (200, True)
    assert requests.get(f"{url}/console/src/main.tsx", timeout=60).status_code == 200
    # All but the console goes to the API of the same profile.
    assert ask_livez(demo).json() == {"status": "ok"}


def test_a_page_changes_with_its_source_and_is_not_loaded_again(demo: Stack) -> None:
    demo.start("console-dev")
    with open_browser() as browser:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{demo.ports['CONSOLE_PORT']}/console/", timeout=PAGE_DEADLINE_MS)
        page.get_by_label("Password").wait_for(timeout=PAGE_DEADLINE_MS)
        page.evaluate("window.seen = 'before'")
        with change_source("frontend/src/shell/login-form.tsx", 'label="Password"', 'label="Word of this test"'):
            page.get_by_label("Word of this test").wait_for(timeout=PAGE_DEADLINE_MS)
        page.get_by_label("Password").wait_for(timeout=PAGE_DEADLINE_MS)
        assert page.evaluate("window.seen") == "before"


def test_the_api_of_dev_answers_as_its_source_says(demo: Stack) -> None:
    demo.start("console-dev")

    def is_answered(wanted: dict[str, str]) -> bool:
        try:
            return bool(ask_livez(demo).json() == wanted)
        except (requests.RequestException, ValueError):
            return False

    assert is_answered({"status": "ok"})
    with change_source("app/operations.py", '("200 OK", {"status": "ok"})', '("200 OK", {"status": "fine"})'):
        assert wait_until(lambda: is_answered({"status": "fine"}), DEADLINE_S, pause_s=0.5)
    assert wait_until(lambda: is_answered({"status": "ok"}), DEADLINE_S, pause_s=0.5)


def ask_livez(stack: Stack) -> requests.Response:
    """The API of the profile dev, as the console reaches it."""
    return requests.get(f"http://127.0.0.1:{stack.ports['CONSOLE_PORT']}/livez", timeout=30)


@contextmanager
def change_source(name: str, old: str, new: str) -> Iterator[None]:
    """A file of the clone, changed for the time of the block."""
    path = ROOT / name
    kept = path.read_text(encoding="utf-8")
    assert old in kept
    try:
        path.write_text(kept.replace(old, new, 1), encoding="utf-8")
        yield
    finally:
        path.write_text(kept, encoding="utf-8")
