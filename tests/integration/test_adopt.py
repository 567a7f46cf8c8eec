"""examples/adopt: another team's Flask app and forking worker, watched by these rules under its own job names."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import psycopg2
import pytest
import redis
import requests
import yaml
from prometheus_client import CollectorRegistry, Gauge, start_http_server
from rq import Queue, Worker

from rules.scale import render_scaled
from rules.settings import load_settings
from stack.pages import fetch_page, open_session
from stack.processes import find_free_port, wait_until
from stack.programs import find_executable
from worker.forking_worker import ForkingWorker

pytestmark = pytest.mark.alone
ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples/adopt"
FACTOR = 15.0  # of the clock on which the rules run here; a scrape each second instead of each 15
DEADLINE_S = 60.0
WEB_PROCESSES = 2
STARTED_ANEW = 'changes(process_start_time_seconds{job="shop-web"}[1m]) > 0 and on (instance) up{job="shop-web"} == 1'
# Which of its targets is where, by job of examples/adopt/prometheus.yml; the others are not there.
TARGETS = {
    "shop-web": ("web-1", "web-2"),
    "shop-worker": ("worker-1",),
    "shop-exporter": ("exporter",),
    "shop-reports": ("reports-1",),
}


@dataclass
class Adopted:
    """The shop, its worker, its exporter, and a Prometheus with the rules built from its settings."""

    directory: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, command: list[str], *, metrics: str = "") -> None:
        self.ports.setdefault(metrics or name, find_free_port())
        environment = self.environment | {"SHOP_METRICS_PORT": str(self.ports[metrics or name])}
        log = (self.directory / f"{name}.log").open("wb")
        self.running[name] = subprocess.Popen(
            command, cwd=SHOP, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def start_web(self) -> None:
        self.ports.setdefault("front", find_free_port())
        if "web-1" not in self.ports:
            self.ports["web-1"] = find_free_ports(WEB_PROCESSES)
            self.ports["web-2"] = self.ports["web-1"] + 1
        address = f"127.0.0.1:{self.ports['front']}"
        gunicorn = [sys.executable, "-m", "gunicorn", f"--workers={WEB_PROCESSES}", "--threads=16", f"--bind={address}"]
        self.start("web", [*gunicorn, "shop:shop"], metrics="web-1")
        assert wait_until(lambda: self.get("/") == 200, DEADLINE_S, pause_s=0.1), self.read_log("web")

    def start_worker(self) -> None:
        self.start("worker", [sys.executable, "work.py"], metrics="worker-1")

    def start_prometheus(self) -> None:
        for path, text in render_scaled(load_settings(SHOP / "settings.yml"), FACTOR).items():
            (self.directory / path).parent.mkdir(exist_ok=True)
            (self.directory / path).write_text(text, encoding="utf-8")
        config = yaml.safe_load((SHOP / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        # no PostgreSQL, Redis and host exporters here: those areas would rightly miss them
        config["rule_files"] = [
            f"{kind}/{area}.yml" for kind in ("rules", "alerts") for area in ("api", "pools", "queues")
        ]
        config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] in TARGETS]
        del config["alerting"]
        for job in config["scrape_configs"]:
            assert tuple(one["labels"]["instance"] for one in job["static_configs"]) == TARGETS[job["job_name"]]
            for target in job["static_configs"]:
                target["targets"] = [f"127.0.0.1:{self.ports[target['labels']['instance']]}"]
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        port = self.ports["prometheus"] = find_free_port()
        program = find_executable("prometheus")
        assert program is not None
        arguments = [
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        self.start("prometheus", [str(program), *arguments])
        assert wait_until(self.is_scraped, DEADLINE_S, pause_s=0.2), self.read_log("prometheus")

    def is_scraped(self) -> bool:
        page = fetch_page(f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/targets", 5)
        targets = page.json()["data"]["activeTargets"] if page is not None and page.ok else []
        return len(targets) == sum(map(len, TARGETS.values())) and all(target["health"] == "up" for target in targets)

    def ask(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of an answer."""
        page = requests.get(
            f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/query", params={"query": query}, timeout=5
        )
        return [(one["metric"], float(one["value"][1])) for one in page.json()["data"]["result"]]

    def get(self, path: str) -> int:
        page = fetch_page(f"http://127.0.0.1:{self.ports['front']}{path}", 10)
        return page.status_code if page is not None else 0

    def list_alerts(self) -> dict[str, str]:
        """Alert -> state (pending, firing); firing counts more."""
        page = fetch_page(f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/alerts", 5)
        alerts = page.json()["data"]["alerts"] if page is not None and page.ok else []
        return {
            one["labels"]["alertname"]: one["state"] for one in sorted(alerts, key=lambda one: one["state"] == "firing")
        }

    def stop(self, name: str) -> None:
        process = self.running.pop(name)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)

    def read_log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-3000:]


def find_free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    for _ in range(50):
        first = find_free_port()
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports in a row")


def serve_reports() -> tuple[WSGIServer, int]:
    """A pool as OpenTelemetry's exporter for Prometheus shows it (SDK 1.45.2, exporter 0.66b2)."""
    registry, name = CollectorRegistry(), "db_client_connection_pool_name"
    labels = [name, "db_client_connection_state", "otel_scope_name", "otel_scope_version"]
    count = Gauge("db_client_connection_count", "Connections.", labels, registry=registry)
    count.labels("orders", "used", "pool", "").set(1)
    count.labels("orders", "idle", "pool", "").set(3)
    most = Gauge("db_client_connection_max", "Most.", [name, *labels[2:]], registry=registry)
    most.labels("orders", "pool", "").set(4)
    port = find_free_port()
    server, _thread = start_http_server(port, "127.0.0.1", registry)
    return server, port


@pytest.fixture
def shop(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Adopted]:
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE baskets (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
    connection.close()
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PALMONAS_")}
    made = Adopted(tmp_path, clean | {"SHOP_DATABASE_URL": database_url, "SHOP_REDIS_URL": redis_url})
    reports, made.ports["reports-1"] = serve_reports()
    try:
        made.start_web()
        made.start_worker()
        made.start("exporter", [sys.executable, "work.py", "export"])
        made.start_prometheus()
        yield made
    finally:
        reports.shutdown()
        reports.server_close()
        for name in list(made.running):
            made.stop(name)


def wait_for(check: Callable[[], bool], shop: Adopted, what: str) -> None:
    assert wait_until(check, DEADLINE_S, pause_s=0.2), f"{what}; alerts: {shop.list_alerts()}"


def use(shop: Adopted, seconds: float) -> None:
    """A quiet shop's traffic."""
    deadline = time.monotonic() + seconds
    with open_session() as session:
        while time.monotonic() < deadline:
            assert session.post(f"http://127.0.0.1:{shop.ports['front']}/baskets", timeout=10).status_code == 201
            time.sleep(0.1)


def test_the_rules_watch_another_teams_app(shop: Adopted, redis_url: str) -> None:
    use(shop, 8)
    assert shop.list_alerts() == {}

    # each process of the app shows its own pool, and the pool that OpenTelemetry measures is recorded like them
    fill = "job_instance_pool:db_client_connection_used:ratio"
    assert {labels["instance"] for labels, _value in shop.ask(f'{fill}{{job="shop-web"}}')} == {"web-1", "web-2"}
    ((labels, value),) = shop.ask(f'{fill}{{job="shop-reports"}}')
    assert (labels["pool"], value) == ("orders", 0.25)
    assert not shop.ask('{job="shop-reports", db_client_connection_pool_name!=""}')

    # a reload: new processes, the same two ports
    shop.running["web"].send_signal(signal.SIGHUP)
    wait_for(lambda: len(shop.ask(STARTED_ANEW)) == WEB_PROCESSES, shop, "gunicorn has reloaded")

    # the pools: four connections each, sixteen callers that hold theirs for two and a half seconds each
    with ThreadPoolExecutor(16) as callers:
        held = [callers.submit(shop.get, "/slow/3") for _ in range(48)]
        wait_for(lambda: shop.list_alerts().get("ConnectionPoolExhausted") == "firing", shop, "the pool is full")
        answers = {one.result() for one in held}
    assert answers == {200, 503}
    wait_for(lambda: shop.list_alerts().get("ConnectionPoolTimeouts") == "firing", shop, "callers got none")

    # the queue: work and nobody to do it; then a work horse that is killed under its job
    shop.stop("worker")
    use(shop, 1)
    wait_for(lambda: shop.list_alerts().get("QueueNoWorker") == "firing", shop, "the queue has no worker")
    client = redis.Redis.from_url(redis_url, socket_timeout=5)
    Queue("mails", connection=client).enqueue("jobs.die")
    client.close()
    shop.start_worker()
    wait_for(lambda: "QueueNoWorker" not in shop.list_alerts(), shop, "the worker is back")
    wait_for(lambda: shop.list_alerts().get("WorkHorsesKilled") == "firing", shop, "a work horse was killed")
    scrape = requests.get(f"http://127.0.0.1:{shop.ports['exporter']}/metrics", timeout=5).text
    assert 'rq_work_horses_killed_total{queue="mails"} 1.0' in scrape
    assert 'rq_jobs_processed_total{outcome="failed",queue="mails"} 1.0' in scrape
    worker = requests.get(f"http://127.0.0.1:{shop.ports['worker-1']}/metrics", timeout=5).text
    assert 'rq_job_run_seconds_count{queue="mails"}' in worker

    # the app itself
    shop.stop("web")
    wait_for(lambda: shop.list_alerts().get("PalmonasApiDown") == "firing", shop, "the app is down")
    shop.start_web()
    wait_for(lambda: "PalmonasApiDown" not in shop.list_alerts(), shop, "the app is back")


def test_what_the_readme_says_builds(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "cli",
            "rules",
            "build",
            "--settings",
            str(SHOP / "settings.yml"),
            "--out",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.yml"))
    assert 'up{job="shop-web"}' in built
    assert 'job="palmonas-' not in built


@pytest.mark.parametrize("kind", ["ours", "stock"])
def test_workers_beat_their_hearts_faster_than_the_alert(redis_url: str, kind: str) -> None:
    """Idle, and under a job; a stock one with what the README says."""
    client = redis.Redis.from_url(redis_url, socket_timeout=5)
    queue = Queue("mails", connection=client)
    stock = {"worker_ttl": 20, "job_monitoring_interval": 5}
    readme = (SHOP / "README.md").read_text(encoding="utf-8")
    assert all(f"{name}={value}" in readme for name, value in stock.items())
    worker = ForkingWorker(queue, client) if kind == "ours" else Worker([queue], connection=client, **stock)
    age_s = load_settings().thresholds["heartbeat_age"].value
    assert worker.dequeue_timeout <= age_s / 3
    assert worker.job_monitoring_interval <= age_s / 3
    assert Worker([queue], connection=client).dequeue_timeout > age_s  # what the README warns of
    client.close()


def test_the_readmes_prometheus_is_one(tmp_path: Path) -> None:
    config = yaml.safe_load((SHOP / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = load_settings(SHOP / "settings.yml").jobs
    scraped = {job["job_name"] for job in config["scrape_configs"]}
    assert scraped - {"shop-reports"} <= set(jobs.values())
    assert {config["global"][name] for name in ("scrape_interval", "evaluation_interval")} == {"15s"}
    (relabelled,) = [job for job in config["scrape_configs"] if "metric_relabel_configs" in job]
    blocks = re.findall(
        r"^```yaml\n(.*?)^```", (SHOP / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert {"metric_relabel_configs": relabelled["metric_relabel_configs"]} in map(yaml.safe_load, blocks)
    (tmp_path / "prometheus.yml").write_bytes((SHOP / "prometheus.yml").read_bytes())
    subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], check=True, timeout=30)
