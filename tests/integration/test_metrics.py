"""A real Prometheus scrapes every process and sees every declared metric, with the declared labels, and no more."""

from __future__ import annotations

import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from app import telemetry
from app.channels import WEBHOOKS
from app.store.pool import Pool
from app.store.tokens import create_token
from stack.binaries import find_program
from stack.processes import find_free_port, wait_until
from tests.integration.conftest import StartService
from tests.metrics import parse_scrape
from tests.sender import Sender, read_payload
from tests.service import Service

DEADLINE_S = 60.0
SCRAPE = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling"}
SCRAPE |= {"scrape_series_added"}
NOT_OURS = ("python_", "flask_exporter_info")  # what client libraries say of themselves
OF_CONTAINERS = "palmonas_container_"  # told where an engine is: test_container_collector
JOBS: Mapping[str, tuple[str, ...]] = {
    "api": ("api",),
    "worker": ("worker-ingest", "worker-tasks"),
    "dispatcher": ("dispatcher",),
    "exporter": ("exporter",),
}


class Prometheus:
    """One Prometheus that scrapes a service once a second, under the names the stack gives to jobs."""

    def __init__(self, directory: Path, service: Service) -> None:
        program = find_program("prometheus")
        assert program, "prometheus is not installed: as root, apt-get install prometheus; or run: make tools"
        targets = {one.name: f"127.0.0.1:{one.metrics_port}" for one in service.processes}
        jobs = [
            {
                "job_name": f"palmonas-{job}",
                "static_configs": [{"targets": [targets[name]], "labels": {"instance": name}} for name in names],
            }
            for job, names in JOBS.items()
        ]
        # JSON is YAML
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        (directory / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        self._url = f"http://127.0.0.1:{find_free_port()}"
        self._log = (directory / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                program,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'prometheus'}",
                f"--web.listen-address={self._url.removeprefix('http://')}",
            ],
            stdout=self._log,
            stderr=self._log,
        )

    def ask(self, page: str, **parameters: str) -> Any:
        """The `data` of an answer of the HTTP API; None when there is none (yet)."""
        try:
            answer = requests.get(f"{self._url}/api/v1/{page}", params=parameters, timeout=5)
        except requests.ConnectionError:
            return None
        return answer.json()["data"] if answer.ok else None

    def read_targets(self) -> dict[str, str]:
        found = self.ask("targets") or {"activeTargets": []}
        return {one["labels"]["instance"]: one["health"] for one in found["activeTargets"]}

    def read_labels(self, job: str) -> dict[str, set[frozenset[str]]]:
        """By metric name of one job: the sets of label names that were seen."""
        found: dict[str, set[frozenset[str]]] = defaultdict(set)
        for series in self.ask("series", **{"match[]": f'{{job="palmonas-{job}"}}'}) or []:
            found[series["__name__"]].add(frozenset(series) - {"__name__", "job", "instance"})
        return found

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


@contextmanager
def run_prometheus(directory: Path, service: Service) -> Iterator[Prometheus]:
    prometheus = Prometheus(directory, service)
    try:
        yield prometheus
    finally:
        prometheus.stop()


@pytest.fixture
def service(start_service: StartService, database_url: str, redis_url: str, tmp_path: Path) -> Service:
    restarts = tmp_path / "restarts.json"
    restarts.write_text('{"api": 1}', encoding="utf-8")
    # a channel's API at a port where nobody answers: calls are made, and fail
    nowhere = find_free_port()
    made = start_service(
        database_url,
        redis_url,
        restarts_file=str(restarts),
        shopify_api_url=f"http://127.0.0.1:{nowhere}",
        shopify_api_token="token-of-a-shop-that-is-not-there",
        outbound_allow=f"127.0.0.1:{nowhere}",
        poll_interval_s="1",
    )
    made.add_api()
    made.add_worker("ingest")
    made.add_worker("tasks")
    made.add_worker("poll")
    made.add_worker("push")
    made.add("dispatcher", "dispatcher")
    made.add("exporter", "exporter")
    return made.wait_ready()


def make_sender(service: Service, channel: str) -> Sender:
    return Sender(service.processes[0].port, channel, service.secrets[channel])


def count(pool: Pool, state: str) -> int:
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT count(*) FROM inbox WHERE state = %s", (state,))
        return int(cursor.fetchone()[0])


def send_orders(service: Service, first: int, number: int) -> None:
    """Each number is an order of its own, by one of the channels in turn; every tenth is sent twice or is refused."""
    for index in range(first, first + number):
        channel = tuple(WEBHOOKS)[index % len(WEBHOOKS)]
        sender = make_sender(service, channel)
        body = WEBHOOKS[channel].renumber(read_payload(channel), index)
        assert sender.send(body, f"delivery-{index}").json()["status"] == "accepted"
        if index % 10 == 0:
            assert sender.send(body, f"delivery-{index}").json()["status"] == "duplicate"
            assert sender.send(b"{", f"broken-{index}").status_code == 400
            url = f"http://127.0.0.1:{sender.port}/orders/{index}?page={index}"
            requests.request(f"METHOD{index}", url, timeout=10, headers={"X-Request-Id": f"request-{index:08}"})
            requests.post(f"http://127.0.0.1:{sender.port}/webhooks/channel-{index}", timeout=10)


def use_console(service: Service, pool: Pool, redis_url: str) -> None:
    """Read, change a status, replay from quarantine, and make a view fail."""
    url = f"http://127.0.0.1:{service.processes[0].port}"
    admin = {"Authorization": f"Bearer {create_token(pool, 'admin', 'admin')}"}
    order = requests.get(f"{url}/orders", headers=admin, timeout=10).json()["orders"][0]
    answer = requests.get(f"{url}/orders/{order['id']}", headers=admin, timeout=10)
    change = requests.patch(
        f"{url}/orders/{order['id']}/status",
        json={"status": answer.json()["next_statuses"][0]},
        headers=admin | {"If-Match": answer.headers["ETag"]},
        timeout=10,
    )
    assert change.status_code == 200, change.text
    assert wait_until(lambda: count(pool, "quarantined") == 1, DEADLINE_S, 0.3)
    [set_aside] = requests.get(f"{url}/quarantine", headers=admin, timeout=10).json()["deliveries"]
    replay = requests.post(f"{url}/quarantine/{set_aside['id']}/replay", headers=admin, timeout=10)
    assert replay.status_code == 202, replay.text
    client = redis.Redis.from_url(redis_url)
    client.hset("rq:job:torn", mapping={"created_at": "no date", "origin": "tasks", "data": "x"})
    client.close()
    assert requests.get(f"{url}/rq/0/data/job/torn.json", headers=admin, timeout=10).status_code == 500


def list_series(name: str, kind: str) -> list[str]:
    return [f"{name}_bucket", f"{name}_sum", f"{name}_count"] if kind == "histogram" else [name]


def list_wanted(process: str) -> dict[str, frozenset[str]]:
    """Names of series of one kind of process, as Prometheus stores them, and their labels without `le`."""
    wanted: dict[str, frozenset[str]] = {}
    for one in telemetry.DECLARED.values():
        if process in one.processes:
            wanted |= dict.fromkeys(list_series(one.name, one.kind), frozenset(one.labels))
    for other in telemetry.FOREIGN:
        if process in other.processes:
            kind = "histogram" if other.name.endswith("duration_seconds") else "other"
            wanted |= dict.fromkeys(list_series(other.name, kind), frozenset(other.labels))
    return wanted


def test_every_declared_metric_is_seen_with_its_labels_after_a_short_load(
    service: Service, pool: Pool, redis_url: str, tmp_path: Path
) -> None:
    with run_prometheus(tmp_path, service) as prometheus:
        send_orders(service, 0, 30)
        assert make_sender(service, "standard").send(b'{"type": "order.created", "data": 1}', "bad").status_code == 200
        use_console(service, pool, redis_url)
        everybody = {name for names in JOBS.values() for name in names}
        assert wait_until(lambda: prometheus.read_targets() == dict.fromkeys(everybody, "up"), DEADLINE_S, 0.5), (
            prometheus.read_targets()
        )
        for job in JOBS:
            wanted = {name: one for name, one in list_wanted(job).items() if not name.startswith(OF_CONTAINERS)}
            assert wait_until(_sees_all(prometheus, job, set(wanted)), DEADLINE_S, 0.5), (
                job,
                set(wanted) - set(prometheus.read_labels(job)),
            )
            seen = prometheus.read_labels(job)
            unknown = {name for name in seen if name not in wanted and not name.startswith(NOT_OURS)}
            assert unknown == SCRAPE, f"not declared for {job}"
            for name, labels in wanted.items():
                extra = {"le"} if name.endswith("_bucket") else set()
                assert seen[name] == {labels | extra}, (job, name)


def _sees_all(prometheus: Prometheus, job: str, wanted: set[str]) -> Callable[[], bool]:
    return lambda: wanted <= set(prometheus.read_labels(job))


def test_metrics_are_not_served_on_the_apis_own_port(service: Service) -> None:
    api = service.processes[0]
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics"):
        answer = requests.get(f"http://127.0.0.1:{api.port}{path}", timeout=10)
        assert answer.status_code == 404, path
        assert "# HELP" not in answer.text
    assert api.get("/metrics")[0] == 200


def read_series(service: Service) -> dict[str, int]:
    return {one.name: len(parse_scrape(one.get("/metrics")[1].decode())) for one in service.processes}


def test_the_number_of_series_does_not_grow_with_traffic(service: Service, pool: Pool) -> None:
    send_orders(service, 0, 13)  # each channel, and each kind of refusal, has been there
    assert wait_until(lambda: count(pool, "pending") == 0, DEADLINE_S, 0.2)
    time.sleep(6)  # one drain, sweep and heartbeat of every process, so that each route of a pool has a series
    read_series(service)  # the exporter's first scrape opens its connection
    before = read_series(service)
    send_orders(service, 13, 200)
    assert wait_until(lambda: count(pool, "pending") == 0, DEADLINE_S, 0.2)
    assert read_series(service) == before
