"""locustfile.py as it is typed: against a real service, with exit codes both ways, and against nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app import telemetry
from app.store.pool import Pool
from app.store.tokens import create_token
from stack.layout import ROOT, STATE_VARIABLE
from stack.processes import find_free_port
from tests.grafana import EDITOR, FakeGrafana
from tests.integration.conftest import StartService

DEADLINE_S = 120
SLOW = ("--max-accept-p99-ms", "30000", "--max-list-p95-ms", "30000")  # the machine may be busy: this is no benchmark


@dataclass(frozen=True)
class Ended:
    code: int
    text: str

    @property
    def verdict(self) -> str:
        return self.text.strip().splitlines()[-1]


def run_load(state: Path, *options: str, **settings: str) -> Ended:
    """Locust without a web UI, with no settings but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PALMONAS_", "LOCUST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "locust", "--headless", "--only-summary", "--loglevel", "ERROR", *options],
        cwd=ROOT,
        env={**kept, STATE_VARIABLE: str(state), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return Ended(done.returncode, done.stdout)


def read_metrics(port: int) -> list[Sample]:
    """What the load tells Prometheus, as soon as something was accepted."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with suppress(requests.ConnectionError):
            text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
            samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
            if any(one.value for one in samples if one.labels.get("outcome") == "accepted"):
                return samples
        time.sleep(0.2)
    raise AssertionError("the load told Prometheus of no accepted delivery")


def count(pool: Pool, query: str) -> int:
    with pool.autocommit("test") as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def test_a_load_is_judged_by_its_thresholds_and_by_what_was_stored(
    start_service: StartService, database_url: str, redis_url: str, pool: Pool, tmp_path: Path
) -> None:
    service = start_service(database_url, redis_url)
    api, worker = service.add_api(), service.add_worker()
    service.wait_ready()
    token = tmp_path / "token"
    token.write_text(create_token(pool, "load", "operator"), encoding="utf-8")
    settings = {"PALMONAS_DATABASE_URL": database_url}
    settings |= {f"PALMONAS_{name.upper()}_SECRETS": secret for name, secret in service.secrets.items()}
    target = ("--host", f"http://127.0.0.1:{api.port}", "--token-file", str(token), "--stop-timeout", "10")

    port = find_free_port()
    with ThreadPoolExecutor(1) as beside:
        scrape = beside.submit(read_metrics, port)
        good = run_load(
            tmp_path, *target, *SLOW, "--users", "4", "--spawn-rate", "4", "--run-time", "5s", "--stored-within", "60",
            "--metrics-port", str(port), **settings,
        )  # fmt: skip
        seen = scrape.result()
    assert good.code == 0, good.text
    declared = {name for name, one in telemetry.DECLARED.items() if "load" in one.processes}
    assert {sample.name.removesuffix("_count") for sample in seen} >= declared - {"palmonas_load_failures_total"}
    users = {sample.labels["kind"]: sample.value for sample in seen if sample.name == "palmonas_load_users"}
    assert users.keys() == {"SalesChannel", "Operator"}
    assert good.verdict == "load: all thresholds kept"
    assert all(f"accept {name}" in good.text for name in service.secrets)
    stored = count(pool, "SELECT count(*) FROM inbox WHERE state = 'done'")
    assert stored == count(pool, "SELECT count(*) FROM inbox") > 0
    assert f"{stored} of {stored} accepted deliveries" in good.text
    assert count(pool, "SELECT count(*) FROM orders WHERE channel_rank > 0") > 0

    short = ("--users", "1", "--run-time", "2s", "--tags", "channels")
    impossible = run_load(tmp_path, *target, *short, "--max-accept-p99-ms", "0", **settings)
    assert impossible.code == 1
    assert impossible.verdict.startswith("load: missed: webhook accept p99 is")
    assert impossible.verdict.endswith("0 ms is allowed")

    worker.kill9()
    unstored = run_load(tmp_path, *target, *short, *SLOW, "--stored-within", "0.5", **settings)
    assert unstored.code == 1
    assert "accepted deliveries, 0 were stored within" in unstored.verdict
    assert "pending)" in unstored.verdict


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "http://192.0.2.1"), "192.0.2.1 is not this machine"),
        ((), "no channel has a secret to sign with; start the service with: palmonas up"),
        (("--processes", "2"), "leave out --processes"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    ended = run_load(tmp_path, *options, "--run-time", "1s")
    assert ended.code == 1
    assert words in ended.text
    assert len(ended.text.strip().splitlines()) == 1


def test_a_service_that_does_not_answer_and_a_missing_token_are_named(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{find_free_port()}"
    secret = {"PALMONAS_SHOPIFY_SECRETS": "a-secret-of-the-load-tests-that-signs"}
    silent = run_load(tmp_path, "--host", url, "--tags", "channels", "--run-time", "1s", **secret)
    assert (silent.code, silent.text.strip()) == (
        1,
        f"load: nothing answers at {url}; start the service with: palmonas up, or pass its --host",
    )
    tokenless = run_load(tmp_path, "--host", url, "--run-time", "1s", **secret)
    assert tokenless.code == 1
    assert "--exclude-tags operator" in tokenless.verdict


def test_grafana_is_told_of_a_run_and_its_silence_does_not_fail_it(
    start_service: StartService, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    service = start_service(database_url, redis_url)
    api = service.add_api()
    service.wait_ready()
    target = ("--host", f"http://127.0.0.1:{api.port}", "--tags", "standard")
    options = (*target, *SLOW, "--users", "1", "--run-time", "2s")
    settings = {"PALMONAS_STANDARD_SECRETS": service.secrets["standard"], "PALMONAS_GRAFANA_TOKEN": EDITOR}
    with FakeGrafana() as grafana:
        told = run_load(tmp_path, *options, **settings, PALMONAS_GRAFANA_URL=grafana.url)
    untold = run_load(tmp_path, *options, **settings, PALMONAS_GRAFANA_URL=grafana.url)
    assert told.verdict == untold.verdict == "load: all thresholds kept"
    (run,) = grafana.annotations
    assert run["tags"] == ["palmonas", "load-test"]
    assert run["text"] == "1 users, steady: all thresholds kept"
    assert 1500 < run["timeEnd"] - run["time"] < 60_000
    assert "Grafana was not told" not in told.text
    assert f"Grafana was not told of this load-test: Grafana does not answer at {grafana.url}" in untold.text
