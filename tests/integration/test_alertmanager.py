"""One fault, one notification: a real Alertmanager with our routes, given alerts, and a receiver that listens."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from click.testing import CliRunner

from app.errors import UsageError
from cli.silence import silence
from rules.files import read_alerts
from stack.binaries import find_program
from stack.processes import find_free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
RECEIVERS = ("page", "warning", "shop", "info", "watchdog")
# The waits of the committed file, ten times as fast: what is tested is who hears, not when.
WAITS = {"0s": "0s", "5s": "1s", "20s": "2s", "30s": "3s", "1m": "6s", "5m": "2s"}
QUIET_S = 5.0  # twice the longest wait and a margin
INHIBITED_AFTER_S = 2.0


@dataclass
class Receiver:
    """Listens for webhooks; `notes` has (receiver, alert names) of each notification about something that fires."""

    notes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def take(self, path: str, body: dict[str, Any]) -> None:
        if body["status"] == "firing":
            names = sorted({alert["labels"]["alertname"] for alert in body["alerts"] if alert["status"] == "firing"})
            self.notes.append((path.strip("/"), tuple(names)))


@dataclass
class Running:
    url: str
    receiver: Receiver

    def post(self, *alerts: dict[str, str]) -> None:
        answer = requests.post(f"{self.url}/api/v2/alerts", json=[{"labels": labels} for labels in alerts], timeout=5)
        answer.raise_for_status()

    def list_inhibited(self) -> set[str]:
        """Names of the alerts that another one silences, as Alertmanager tells when it has thought about all."""
        time.sleep(INHIBITED_AFTER_S)
        alerts = requests.get(f"{self.url}/api/v2/alerts", timeout=5).json()
        return {one["labels"]["alertname"] for one in alerts if one["status"]["inhibitedBy"]}

    def settle(self) -> list[tuple[str, tuple[str, ...]]]:
        """What was notified once nothing new has come for `QUIET_S` seconds."""
        count = -1
        while count != len(self.receiver.notes):
            count = len(self.receiver.notes)
            wait_until(lambda: len(self.receiver.notes) > count, QUIET_S)  # noqa: B023 - asked at once
        return sorted(self.receiver.notes)


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Running]:
    program = find_program("prometheus-alertmanager", "alertmanager")
    if program is None:
        pytest.fail("Alertmanager is not installed: apt-get install prometheus-alertmanager")
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """The test's output is not a log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    port = find_free_port()
    configuration = tmp_path / "alertmanager.yml"
    configuration.write_text(yaml.safe_dump(speed_up(server.server_port)), encoding="utf-8")
    log = (tmp_path / "log").open("w", encoding="utf-8")
    process = subprocess.Popen(
        [
            program,
            f"--config.file={configuration}",
            f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        running = Running(f"http://127.0.0.1:{port}", receiver)
        assert wait_until(lambda: is_ready(running.url), 15), (tmp_path / "log").read_text(encoding="utf-8")
        yield running
    finally:
        process.terminate()
        process.wait(timeout=10)
        log.close()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def speed_up(port: int) -> dict[str, Any]:
    configuration = yaml.safe_load((ROOT / "prometheus/alertmanager.yml").read_text(encoding="utf-8"))
    route = configuration["route"]
    for one in (route, *route["routes"]):
        for name in ("group_wait", "group_interval"):
            if name in one:
                one[name] = WAITS[one[name]]
    configuration["receivers"] = [
        {"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:{port}/{name}"}]} for name in RECEIVERS
    ]
    return dict(configuration)


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.RequestException:
        return False


def make_alert(name: str, severity: str = "", **labels: str) -> dict[str, str]:
    """The labels of an alert of ours as Prometheus would send them."""
    rule = next(one for one in read_alerts() if one.name == name and severity in {"", one.labels["severity"]})
    return {"alertname": name, "job": "palmonas-api", **rule.labels, **labels}


def test_postgresql_down_is_one_notification(alertmanager: Running) -> None:
    pool = {"instance": "api-accept-1", "pool": "accept"}
    dependents = [
        make_alert("PalmonasApiErrors", part="accept"),
        make_alert("ConnectionPoolTimeouts", **pool),
        make_alert("ConnectionPoolExhausted", **pool),
        make_alert("CollectorFailed", job="palmonas-exporter", collector="backlog"),
        make_alert("InboxOldestAge", job="palmonas-exporter"),
        make_alert("QueueFailures", job="palmonas-exporter", queue="ingest"),
        make_alert("SloBudgetBurn", "page", slo="accept_availability"),
        make_alert("DispatcherStalled", job="palmonas-dispatcher"),
    ]
    # The dependents come first, as in life: some of them fire at once.
    alertmanager.post(*dependents)
    alertmanager.post({"alertname": "PostgresDown", "job": "postgresql", "severity": "page", "area": "postgresql"})
    assert alertmanager.settle() == [("page", ("PostgresDown",))]


def test_what_a_dead_database_does_not_explain_is_heard_beside_it(alertmanager: Running) -> None:
    alertmanager.post(
        {"alertname": "PostgresDown", "job": "postgresql", "severity": "page", "area": "postgresql"},
        make_alert("PalmonasApiDown", instance="api-accept-1"),
        make_alert("DispatcherMissing", job="palmonas-dispatcher"),
        {"alertname": "HostDiskNearlyFull", "job": "node", "severity": "page", "area": "host"},
    )
    assert alertmanager.settle() == [
        ("page", ("DispatcherMissing",)),
        ("page", ("HostDiskNearlyFull",)),
        ("page", ("PalmonasApiDown",)),
        ("page", ("PostgresDown",)),
    ]


def test_watchdog_arrives_at_its_own_receiver(alertmanager: Running) -> None:
    alertmanager.post(make_alert("Watchdog", job=""), make_alert("QuarantineGrew", channel="shopify"))
    assert alertmanager.settle() == [("shop", ("QuarantineGrew",)), ("watchdog", ("Watchdog",))]


def test_instances_of_one_fault_are_one_notification(alertmanager: Running) -> None:
    alertmanager.post(*(make_alert("PalmonasApiDown", instance=f"api-accept-{number}") for number in (1, 2, 3)))
    assert alertmanager.settle() == [("page", ("PalmonasApiDown",))]


def test_the_graver_form_silences_the_lighter(alertmanager: Running) -> None:
    alertmanager.post(
        make_alert("QueueOldestJobAge", "warning", job="palmonas-exporter", queue="push"),
        make_alert("QueueOldestJobAge", "page", job="palmonas-exporter", queue="push"),
        make_alert("QueueOldestJobAge", "warning", job="palmonas-exporter", queue="poll"),
        make_alert("SloBudgetBurn", "page", slo="job_success", window="1h", job="palmonas-exporter"),
        make_alert("SloBudgetBurn", "warning", slo="job_success", window="3d", job="palmonas-exporter"),
        make_alert("SloBudgetBurn", "warning", slo="accept_latency", window="3d", job="palmonas-api"),
    )
    # The group of the warning about `poll`, and the budget that burns slowly for another objective.
    assert alertmanager.settle() == [
        ("page", ("QueueOldestJobAge",)),
        ("page", ("SloBudgetBurn",)),
        ("warning", ("QueueOldestJobAge",)),
        ("warning", ("SloBudgetBurn",)),
    ]


def test_a_dead_instance_is_not_told_again_by_haproxy_and_its_pool(alertmanager: Running) -> None:
    alertmanager.post(
        make_alert("PalmonasApiDown", instance="api-accept-1"),
        make_alert("ConnectionPoolSaturated", instance="api-accept-1", pool="accept"),
        {"alertname": "HaproxyServerDown", "job": "haproxy", "severity": "warning", "area": "haproxy"},
        make_alert("ConnectionPoolSaturated", instance="api-console-1", pool="console"),
    )
    assert alertmanager.settle() == [("page", ("PalmonasApiDown",)), ("warning", ("ConnectionPoolSaturated",))]


EXPORTER = "palmonas-exporter"
MAIN, OTHER = {"job": "postgresql", "instance": "main"}, {"job": "postgresql", "instance": "analytics"}
FRONT = {"job": "blackbox", "instance": "front-door"}


@pytest.mark.parametrize(
    ("alerts", "inhibited"),
    [
        pytest.param(
            [
                make_alert("QueueNoWorker", job=EXPORTER, queue="mails"),
                make_alert("QueueOldestJobAge", "page", job=EXPORTER, queue="mails"),
                make_alert("QueueStuck", job=EXPORTER, queue="payments"),
                make_alert("WorkerHeartbeatStale", job=EXPORTER, queue="invoices"),
                make_alert("InboxOldestAge", job=EXPORTER),
            ],
            {"QueueOldestJobAge"},
            id="a queue without worker says nothing of another queue",
        ),
        pytest.param(
            [make_alert("QueueNoWorker", job=EXPORTER, queue="ingest"), make_alert("InboxOldestAge", job=EXPORTER)],
            {"InboxOldestAge"},
            id="the inbox waits behind the queue ingest",
        ),
        pytest.param(
            [
                make_alert("PalmonasApiAbsent"),
                make_alert("PalmonasApiErrors", part="accept"),
                make_alert("HaproxyNoServerUp", job="haproxy", instance="haproxy", proxy="accept"),
                make_alert("CertificateExpires", **FRONT),
                make_alert("HaproxyServerDown", job="haproxy", instance="haproxy", server="api-3"),
            ],
            {"PalmonasApiErrors", "HaproxyServerDown"},
            id="that discovery lost the API says nothing of HAProxy",
        ),
        pytest.param(
            [
                make_alert("HaproxyDown", job="haproxy", instance="haproxy-2"),
                make_alert("PalmonasApiDown", instance="api-1"),
                make_alert("PalmonasApiErrors", part="accept"),
                make_alert("FrontDoorProbeFailed", **FRONT),
                make_alert("CertificateExpires", **FRONT),
            ],
            {"FrontDoorProbeFailed"},
            id="what the API tells of itself is true without HAProxy",
        ),
        pytest.param(
            [
                make_alert("PostgresDown", **OTHER),
                make_alert("PostgresConnectionsHigh", **OTHER),
                make_alert("PostgresWraparound", **MAIN),
                make_alert("PostgresReplicaGone", **MAIN),
                make_alert("ConnectionPoolExhausted", instance="api-1", pool="redis"),
            ],
            {"PostgresConnectionsHigh"},
            id="another PostgreSQL, and another server's pool",
        ),
        pytest.param(
            [
                make_alert("RedisEvicting", job="redis", instance="sessions"),
                make_alert("RedisRejectedConnections", job="redis", instance="queues"),
                make_alert("ConnectionPoolTimeouts", instance="api-1", pool="redis"),
                make_alert("ConnectionPoolExhausted", instance="api-1", pool="accept"),
            ],
            {"ConnectionPoolTimeouts"},
            id="another Redis, and PostgreSQL's pool",
        ),
        pytest.param(
            [
                make_alert("RedisReplicaGone", "warning", job="redis", instance="redis-exporter"),
                make_alert("TargetAbsent", "warning", job="redis-replica"),
                make_alert("TargetDown", "warning", job="node", instance="node-1"),
                make_alert("QueueStuck", job=EXPORTER, queue="payments"),
            ],
            {"TargetAbsent"},
            id="a replica that is gone explains its exporter, and nothing of queues",
        ),
        pytest.param(
            [
                make_alert("PalmonasApiDown", instance="api-1"),
                make_alert("HaproxyServerDown", job="haproxy", instance="haproxy", server="api-1"),
                make_alert("CertificateExpires", **FRONT),
                make_alert("HaproxySessionsNearLimit", job="haproxy", instance="haproxy", proxy="front"),
            ],
            {"HaproxyServerDown"},
            id="a process that is down explains its server, and no certificate",
        ),
        pytest.param(
            [
                make_alert("ExporterMissing", job=EXPORTER),
                make_alert("QueueFailures", job=EXPORTER, queue="push"),
                make_alert("DeliverySignaturesFailing", channel="shopify"),
                make_alert("StatusPushGivenUp", job="palmonas-worker", channel="shopify"),
            ],
            {"QueueFailures"},
            id="without the exporter only what it tells is blind",
        ),
        pytest.param(
            [
                make_alert("ConnectionPoolExhausted", job="palmonas-worker", instance="w", pool="worker"),
                make_alert("SloBudgetBurn", "page", slo="accept_availability", window="1h"),
            ],
            set(),
            id="a worker's pool does not burn the budget of accepting",
        ),
    ],
)
def test_what_another_fault_does_not_explain_is_heard(
    alertmanager: Running, alerts: list[dict[str, str]], inhibited: set[str]
) -> None:
    alertmanager.post(*alerts)
    assert alertmanager.list_inhibited() == inhibited


def run_silence(url: str, *arguments: str) -> str:
    done = CliRunner().invoke(silence, ["--url", url, *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_silence_of_all_keeps_watchdog_and_can_be_ended(alertmanager: Running) -> None:
    made = run_silence(alertmanager.url, "--for", "10m", "--reason", "deploy 42", "--all", "--author", "me")
    identity = made.split()[0]
    alertmanager.post(make_alert("Watchdog", job=""), make_alert("PalmonasApiDown", instance="api-accept-1"))
    assert alertmanager.settle() == [("watchdog", ("Watchdog",))]
    assert "alertname!=Watchdog  me: deploy 42" in run_silence(alertmanager.url, "list")
    run_silence(alertmanager.url, "expire", identity)
    assert identity not in run_silence(alertmanager.url, "list")
    alertmanager.receiver.notes.clear()
    assert ("page", ("PalmonasApiDown",)) in alertmanager.settle()


def test_a_silence_of_an_area_or_an_alert_leaves_the_others(alertmanager: Running) -> None:
    run_silence(alertmanager.url, "--for", "1h30m", "--reason", "vacuum", "--area", "pools")
    run_silence(alertmanager.url, "--for", "90s", "--reason", "restart", "--alert", "PalmonasApiRestarts")
    alertmanager.post(
        make_alert("ConnectionPoolSaturated", instance="api-accept-1", pool="accept"),
        make_alert("PalmonasApiRestarts", instance="api-accept-2"),
        make_alert("PalmonasApiBusy", instance="api-accept-2"),
    )
    assert alertmanager.settle() == [("warning", ("PalmonasApiBusy",))]


@pytest.mark.parametrize("identity", ["abc", "00000000-0000-0000-0000-000000000000"])
def test_a_silence_that_is_not_there_is_said_so(alertmanager: Running, identity: str) -> None:
    with pytest.raises(UsageError, match="silence list"):
        run_silence(alertmanager.url, "expire", identity)


def test_an_alertmanager_that_is_gone_is_named() -> None:
    url = f"http://127.0.0.1:{find_free_port()}"
    with pytest.raises(UsageError, match=f"Alertmanager does not answer at {url}"):
        run_silence(url, "list")
    with pytest.raises(UsageError, match=f"Alertmanager does not answer at {url}"):
        run_silence(url, "--for", "10m", "--reason", "deploy 42", "--all")
