"""/operations on real servers: what is wrong is shown, who does not answer is said, and nothing hangs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from app.api.questions import GRAPHS
from app.store.pool import Pool
from app.store.tokens import create_token
from stack.processes import find_free_port
from stack.servers import PostgresServer, RedisServer
from tests.console_process import run_console_process
from tests.monitoring import Server, run_alertmanager, run_prometheus

DEADLINE_S = 30.0
ANSWER_S = 15.0  # it takes two at the most; who hangs here never answers, and CI's machines are slow
DEAD = "api-console-9"  # a target where nobody listens


@dataclass
class Rig:
    """A console and an exporter under `palmonas`, watched by a Prometheus and an Alertmanager."""

    url: str
    pool: Pool
    prometheus: Server
    alertmanager: Server
    tokens: dict[str, str]

    def call(self, method: str, path: str, role: str = "viewer", **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens.get(role, role)}", **options.pop("headers", {})}
        return requests.request(method, f"{self.url}{path}", headers=headers, timeout=10, **options)

    def look(self) -> dict[str, Any]:
        started = time.monotonic()
        answer = self.call("GET", "/operations")
        assert time.monotonic() - started < ANSWER_S
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def wait_for(self, judge: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The first snapshot of which `judge` holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not judge(snapshot := self.look()):
            assert time.monotonic() < deadline, snapshot
            time.sleep(0.5)
        return snapshot


def find_alert(snapshot: dict[str, Any], name: str) -> dict[str, Any]:
    return next((one for one in snapshot["alerts"] if one["name"] == name), {})


@pytest.fixture(scope="module")
def rig(
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    database_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("operations")
    with ExitStack() as stack:
        alertmanager = stack.enter_context(run_alertmanager(directory / "alertmanager"))
        port = find_free_port()
        settings = {"prometheus_url": f"http://127.0.0.1:{port}", "alertmanager_url": alertmanager.url}
        running = run_console_process(postgres_server, redis_server, "operations", directory, **settings)
        console = stack.enter_context(running)
        exporter = console.service.add("exporter", "exporter").wait_ready()
        targets = {
            "palmonas-api": {"api-console-1": console.process.metrics_port, DEAD: find_free_port()},
            "palmonas-exporter": {"exporter": exporter.metrics_port},
        }
        directory = directory / "prometheus"
        prometheus = stack.enter_context(run_prometheus(directory, targets, f"127.0.0.1:{alertmanager.port}", port))
        tokens = {role: create_token(console.pool, role, role) for role in ("viewer", "operator", "admin")}
        yield Rig(console.url, console.pool, prometheus, alertmanager, tokens)


def test_a_firing_alert_is_told_with_runbook_and_since(rig: Rig) -> None:
    snapshot = rig.wait_for(lambda found: find_alert(found, "PalmonasApiDown").get("state") == "firing")
    assert snapshot["prometheus"] == snapshot["alertmanager"] == {"reachable": True, "detail": None}
    alert = find_alert(snapshot, "PalmonasApiDown")
    assert (alert["severity"], alert["area"], alert["labels"]["instance"]) == ("page", "api", DEAD)
    assert DEAD in alert["summary"]
    since = datetime.fromisoformat(alert["since"])
    assert 0 < (datetime.now(UTC) - since).total_seconds() < 120
    assert (
        alert["dashboard"] == f"/dashboards/palmonas-overview?from={int(since.timestamp() * 1000) - 1_800_000}&to=now"
    )
    held = requests.get(f"{rig.alertmanager.url}/api/v2/alerts", timeout=5).json()
    (mine,) = (one for one in held if one["labels"].items() >= alert["labels"].items())
    assert (alert["silenced_by"], alert["inhibited"]) == ([], bool(mine["status"]["inhibitedBy"]))
    runbook = rig.call("GET", alert["runbook"]).json()
    assert runbook["alert"] == "PalmonasApiDown"
    assert runbook["markdown"].startswith("# PalmonasApiDown")
    fires = requests.get(f"{rig.prometheus.url}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
    assert "Watchdog" in {one["labels"]["alertname"] for one in fires}
    assert find_alert(snapshot, "Watchdog") == {}
    ranks = [("firing", "pending").index(one["state"]) for one in snapshot["alerts"] if not one["inhibited"]]
    assert ranks == sorted(ranks)


def test_a_silence_is_seen_in_alertmanager_and_in_the_snapshot_and_can_be_ended(rig: Rig) -> None:
    rig.wait_for(lambda found: find_alert(found, "PalmonasApiDown").get("state") == "firing")
    wanted = {"matchers": {"alertname": "PalmonasApiDown", "instance": DEAD}, "minutes": 10, "reason": " being moved "}
    for role, status in (("viewer", 403), ("plm_" + "A" * 43, 401)):
        assert rig.call("POST", "/operations/silences", role, json=wanted).status_code == status
    made = rig.call("POST", "/operations/silences", "operator", json=wanted)
    assert made.status_code == 201, made.text
    identity = made.json()["id"]
    kept = requests.get(f"{rig.alertmanager.url}/api/v2/silence/{identity}", timeout=5).json()
    assert (kept["status"]["state"], kept["createdBy"], kept["comment"]) == ("active", "token:operator", "being moved")
    assert {one["name"]: one["value"] for one in kept["matchers"]} == wanted["matchers"]
    snapshot = rig.wait_for(lambda found: find_alert(found, "PalmonasApiDown").get("silenced_by"))
    (silence,) = find_alert(snapshot, "PalmonasApiDown")["silenced_by"]
    assert (silence["id"], silence["reason"], silence["by"]) == (identity, "being moved", "token:operator")
    left_s = (datetime.fromisoformat(silence["until"]) - datetime.now(UTC)).total_seconds()
    assert 500 < left_s <= 600
    assert snapshot["alerts"][0]["name"] != "PalmonasApiDown", "what is held back is not what is worst"
    assert rig.call("DELETE", f"/operations/silences/{identity}").status_code == 403
    assert rig.call("DELETE", f"/operations/silences/{identity}", "operator").status_code == 204
    rig.wait_for(lambda found: find_alert(found, "PalmonasApiDown").get("silenced_by") == [])
    for unknown in ("x", "00000000-0000-0000-0000-000000000000"):
        assert rig.call("DELETE", f"/operations/silences/{unknown}", "operator").status_code == 404
    with rig.pool.autocommit("test") as cursor:
        cursor.execute("SELECT actor, action, object, outcome, detail->'minutes' FROM audit_log ORDER BY id")
        first, second, *_ = cursor.fetchall()
    assert first == ("token:operator", "silence.create", "alert:PalmonasApiDown", "asked", 10)
    assert second == ("token:operator", "silence.end", f"silence:{identity}", "asked", None)


REFUSED = [
    ({"alertname": "Watchdog"}, 5, "deploy", "Watchdog is never silenced"),
    ({}, 5, "deploy", "matchers"),
    ({"0 a": "x"}, 5, "deploy", "matchers"),
    ({"area": ""}, 5, "deploy", "matchers"),
    ({"area": "a\nb"}, 5, "deploy", "matchers"),
    ({"area": "api"}, 0, "deploy", "minutes"),
    ({"area": "api"}, 1441, "deploy", "minutes"),
    ({"area": "api"}, "5", "deploy", "minutes"),
    ({"area": "api"}, 5, " ", "reason"),
    ({"area": "api"}, 5, "x" * 501, "reason"),
]


def test_a_silence_that_does_not_fit_is_refused_in_a_sentence(rig: Rig) -> None:
    for matchers, minutes, reason, told in REFUSED:
        body = {"matchers": matchers, "minutes": minutes, "reason": reason}
        answer = rig.call("POST", "/operations/silences", "operator", json=body)
        assert (answer.status_code, told in answer.json()["detail"]) == (400, True), (body, answer.text)


def test_a_silence_of_an_area_leaves_watchdog(rig: Rig) -> None:
    body = {"matchers": {"area": "monitoring"}, "minutes": 1, "reason": "upgrade"}
    identity = rig.call("POST", "/operations/silences", "operator", json=body).json()["id"]
    kept = requests.get(f"{rig.alertmanager.url}/api/v2/silence/{identity}", timeout=5).json()
    never = {"name": "alertname", "value": "Watchdog", "isRegex": False, "isEqual": False}
    assert never in kept["matchers"]
    assert rig.call("DELETE", f"/operations/silences/{identity}", "operator").status_code == 204


def test_the_small_graphs_have_every_point_of_their_grid(rig: Rig) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        answer = rig.call("GET", "/operations/series?range=15m")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        lines = body["series"]["pools"]["lines"]
        if any(value is not None for line in lines for _, value in line["points"]):
            break
        assert time.monotonic() < deadline
        time.sleep(1)
    assert body["step_s"] == 15
    assert set(body["series"]) == set(GRAPHS)
    end = int(datetime.fromisoformat(body["at"]).timestamp())
    for line in lines:
        assert [at for at, _ in line["points"]] == list(range(end - 900, end + 1, 15))
        assert set(line["labels"]) == {"pool"}
    assert body["series"]["pools"]["dashboard"] == "/dashboards/palmonas-pools?from=now-15m&to=now"
    assert rig.call("GET", "/operations/series?range=2h").status_code == 400


def test_the_parts_are_shown_as_they_are(rig: Rig) -> None:
    snapshot = rig.wait_for(lambda found: find_instance(found, "exporter").get("version") and found["pools"])
    dead, console = find_instance(snapshot, DEAD), find_instance(snapshot, "api-console-1")
    assert (dead["up"], dead["since"], dead["version"]) == (False, None, None)
    assert console["up"] is True
    assert (datetime.now(UTC) - datetime.fromisoformat(console["since"])).total_seconds() < 300
    pool = next(one for one in snapshot["pools"] if (one["instance"], one["pool"]) == ("api-console-1", "console"))
    assert 0 <= pool["in_use"] + pool["idle"] <= pool["size"] == 5
    assert {one["name"] for one in snapshot["queues"]} == {"ingest", "tasks", "poll", "push"}
    assert all((one["workers"], one["target_age_s"]) == (0, 300) for one in snapshot["queues"])
    assert {one["name"]: one["objective"] for one in snapshot["slos"]}["accept_availability"] == 0.999
    assert snapshot["redis"]["up"] is True
    assert snapshot["redis"]["memory_bytes"] > 0
    assert snapshot["health"]["checks"]["postgresql"]["status"] == "ok"


def find_instance(snapshot: dict[str, Any], name: str) -> dict[str, Any]:
    return next((one for one in snapshot["instances"] if one["instance"] == name), {})


@pytest.mark.parametrize(("blow", "cure"), [(signal.SIGKILL, None), (signal.SIGSTOP, signal.SIGCONT)])
def test_prometheus_that_is_gone_or_frozen_is_said_to_be(
    rig: Rig, blow: signal.Signals, cure: signal.Signals | None
) -> None:
    rig.wait_for(lambda found: find_alert(found, "PalmonasApiDown").get("state") == "firing")
    rig.prometheus.send(blow)
    try:
        snapshot = rig.wait_for(lambda found: not found["prometheus"]["reachable"])
        told = "does not answer (ConnectionRefusedError)" if cure is None else "took longer than 1 s"
        assert told in snapshot["prometheus"]["detail"]
        assert (snapshot["instances"], snapshot["pools"], snapshot["postgresql"]) == ([], [], None)
        assert {(one["budget_left"], one["burn_rate_1h"]) for one in snapshot["slos"]} == {(None, None)}
        assert {one["name"]: one["seconds"] for one in snapshot["slos"]} == {
            "accept_availability": None, "accept_latency": 0.25, "accept_to_stored": 2.5, "job_success": None,
        }  # fmt: skip
        assert [one["in_per_s"] for one in snapshot["queues"]] == [None] * 4
        assert snapshot["health"]["checks"]["redis"]["status"] == "ok"
        assert snapshot["alertmanager"]["reachable"] is True
        assert find_alert(snapshot, "PalmonasApiDown")["state"] == "firing", "Alertmanager has it still"
        channels = rig.call("GET", "/channels").json()
        assert channels["prometheus"] is False
        assert channels["channels"][0]["rate_per_minute"] is None
        span = "1h" if cure is None else "6h"  # not asked for before: graphs are kept for ten seconds
        answer = rig.call("GET", f"/operations/series?range={span}")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:palmonas:problem:prometheus_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        if cure is None:
            rig.prometheus.start()
        else:
            rig.prometheus.send(cure)
    snapshot = rig.wait_for(lambda found: found["prometheus"] == {"reachable": True, "detail": None})
    assert snapshot["instances"]
