"""`palmonas up --scale`: everything is there, reads come from the replica, and a rolling restart loses no request."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from stack.health import check_part, load_pages
from stack.layout import Layout, load_layout
from stack.pages import fetch_page
from stack.processes import wait_until
from stack.programs import open_servers
from stack.scale import SCALED
from stack.supervisor import Supervisor
from tests.api_console import run_sql
from tests.running import Stack, make_stack
from tests.sender import Sender, read_payload

SENDERS = 4
READERS = 2
READY_S = 120.0
API = [*SCALED.accept_names, *SCALED.console_names]
OTHERS = [*SCALED.name_workers("ingest"), "worker-tasks", "worker-poll", "worker-push", "dispatcher", "exporter"]


@pytest.fixture(scope="module")
def scaled() -> Iterator[Stack]:
    with make_stack("scale") as made:
        started = made.run("up", "--detach", "--demo", "--scale", deadline_s=600)
        assert started.returncode == 0, started.stdout + started.stderr
        yield made


@pytest.fixture
def layout(scaled: Stack) -> Layout:
    found = load_layout(scaled.state)
    assert found is not None
    return found


class Traffic:
    """Senders of new orders and readers of the list, each over connections of its own, without any second try."""

    def __init__(self, layout: Layout, token: str) -> None:
        self.answers: Counter[str] = Counter()
        self.accepted: set[str] = set()
        self._secret = (layout.secrets / "woocommerce_secrets").read_text(encoding="ascii").split()[0]
        self._url, self._port, self._token = layout.base_url, layout.port, token
        self._template: dict[str, Any] = json.loads(read_payload("woocommerce"))
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(one,)) for one in range(SENDERS)]
        self._threads += [threading.Thread(target=self._read) for _ in range(READERS)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _send(self, sender: int) -> None:
        number = 0
        with requests.Session() as session:
            while not self._stop.wait(0.02):
                number += 1
                name = f"{sender}-{number}"
                body = {**self._template, "id": 10_000_000 + sender * 1_000_000 + number, "number": name}
                made = Sender(self._port, "woocommerce", self._secret)
                try:
                    answer = made.send(json.dumps(body).encode(), name, "order.created", session)
                except requests.RequestException as error:
                    self.answers[f"webhook {type(error).__name__}"] += 1
                    continue
                self.answers[f"webhook {answer.status_code}"] += 1
                if answer.status_code == 200:
                    self.accepted.add(str(body["id"]))

    def _read(self) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self._token}"
            while not self._stop.wait(0.05):
                try:
                    answer = session.get(f"{self._url}/orders?limit=20", timeout=15)
                except requests.RequestException as error:
                    self.answers[f"list {type(error).__name__}"] += 1
                    continue
                self.answers[f"list {answer.status_code}"] += 1


def restart(layout: Layout, name: str) -> None:
    """Stop it in order, start it again, and wait until it is well."""
    supervisor, page = Supervisor(layout), load_pages(layout)[name]
    supervisor.halt(name)
    supervisor.start([name])
    assert wait_until(lambda: check_part(name, page, open_servers(layout)) == "ok", READY_S, pause_s=0.3), name
    time.sleep(1.5)  # HAProxy looks once a second


def test_everything_of_a_scaled_stack_is_there_and_well(scaled: Stack) -> None:
    parts = {one["name"]: one["health"] for one in scaled.read_status()["processes"]}
    followers = {"postgresql-replica", "redis-replica", "sentinel-1", "sentinel-2", "sentinel-3"}
    assert {*API, *OTHERS, *followers} <= parts.keys()
    assert {name: health for name, health in parts.items() if health != "ok"} == {}


def test_the_console_reads_from_the_replica(scaled: Stack, layout: Layout) -> None:
    def count() -> float:
        lines = []
        for name in SCALED.console_names:
            page = fetch_page(f"http://127.0.0.1:{layout.ports[f'{name}-metrics']}/metrics", 10)
            assert page is not None
            lines += page.text.splitlines()
        wanted = 'db_client_connection_use_time_seconds_count{pool="replica",route="list_orders"}'
        return sum(float(line.split()[-1]) for line in lines if line.startswith(wanted))

    before = count()

    def is_read() -> bool:
        assert scaled.call_api("GET", "/orders").json()["orders"]
        return count() > before

    assert wait_until(is_read, 30, pause_s=0.5)


def test_a_rolling_restart_of_everything_of_ours_loses_no_request(scaled: Stack, layout: Layout) -> None:
    token = layout.token_file.read_text(encoding="ascii").strip()
    pids = {one["name"]: one["pid"] for one in scaled.read_status()["processes"]}
    started = time.monotonic()
    with Traffic(layout, token) as traffic:
        time.sleep(3)
        for name in (*API, *OTHERS):
            restart(layout, name)
        time.sleep(3)
    seconds = time.monotonic() - started
    after = {one["name"]: one["pid"] for one in scaled.read_status()["processes"]}
    assert [name for name in (*API, *OTHERS) if after[name] == pids[name]] == []
    print(f"\n{len(API) + len(OTHERS)} processes restarted in {seconds:.0f} s: {dict(sorted(traffic.answers.items()))}")
    assert set(traffic.answers) == {"webhook 200", "list 200"}
    assert traffic.answers["webhook 200"] == len(traffic.accepted) > 100
    url = open_servers(layout).postgres.url

    def list_missing() -> set[str]:
        rows = run_sql(url, "SELECT external_id FROM orders WHERE channel = 'woocommerce'")
        return traffic.accepted - {external_id for (external_id,) in rows}

    assert wait_until(lambda: not list_missing(), 60, pause_s=1), f"{len(list_missing())} orders are not stored"
