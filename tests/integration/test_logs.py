"""What the processes write: JSON lines that tell an order's story, and nothing a log must not hold."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import requests
from rq import Queue
from rq.serializers import JSONSerializer

from app.store.pool import Pool
from app.store.tokens import create_token
from stack.processes import wait_until
from stack.servers import PostgresServer, RedisServer
from tests.integration.conftest import StartService, open_pool
from tests.sender import Sender, read_payload
from tests.service import Service

ALL = ("api", "worker-ingest", "worker-tasks", "dispatcher", "exporter")
QUARANTINE_S = 60.0  # five tries take 15 s
# what channels call the things that people wrote, or are
PRIVATE_KEYS = re.compile(
    r"email|phone|name|company|city|region|province|zip|postal|postcode|line[12]|address_?[12]|note|reason|title|sku"
    r"|value|code$|^(browser|customer)_ip|user_agent|transaction_id|landing_site|referring_site|tracking|carrier|reference|token"
)
KEPT_KEYS = {"country_code", "province_code", "currency_code", "topic", "type"}


class Canaries:
    """Texts that occur nowhere else."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.made: list[str] = []

    def make(self) -> str:
        self.made.append(f"Canary{next(self._numbers):04}Zoe")
        return self.made[-1]

    def put_into(self, document: Any, key: str = "") -> Any:
        """A copy with every text that could be a customer's replaced."""
        if isinstance(document, dict):
            return {name: self.put_into(value, name) for name, value in document.items()}
        if isinstance(document, list):
            return [self.put_into(value, key) for value in document]
        if isinstance(document, str) and key not in KEPT_KEYS and PRIVATE_KEYS.search(key):
            return self.make()
        return document


def start_all(service: Service) -> Service:
    service.add_api()
    service.add_worker("ingest")
    service.add_worker("tasks")
    service.add("dispatcher", "dispatcher")
    service.add("exporter", "exporter")
    return service.wait_ready()


def make_sender(service: Service, channel: str) -> Sender:
    return Sender(service.processes[0].port, channel, service.secrets[channel])


def read_lines(service: Service) -> Iterator[tuple[str, dict[str, Any]]]:
    """(process, line) of all logs; fails on a line that is not JSON."""
    for process in service.processes:
        for line in process.read_log().split("\n"):
            if line:
                yield process.name, json.loads(line)


def count(pool: Pool, state: str) -> int:
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT count(*) FROM inbox WHERE state = %s", (state,))
        return int(cursor.fetchone()[0])


@pytest.fixture
def pool_of() -> Iterator[Callable[[str], Pool]]:
    made: list[Pool] = []

    def make(url: str) -> Pool:
        made.append(open_pool(url, size=1))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


def send_what_is_private(service: Service, canaries: Canaries) -> int:
    """Orders of every channel, good ones and ones that cannot be stored; returns how many the latter are."""
    for channel in ("shopify", "woocommerce", "standard"):
        order = canaries.put_into(json.loads(read_payload(channel)))
        answer = make_sender(service, channel).send(json.dumps(order).encode(), f"good-{channel}")
        assert answer.status_code == 200, answer.text
    poison = canaries.put_into(json.loads(read_payload("standard")))
    poison["data"]["subtotal"] = canaries.make()
    sender = make_sender(service, "standard")
    assert sender.send(json.dumps(poison).encode(), "unreadable").status_code == 200
    poison = canaries.put_into(json.loads(read_payload("standard")))
    poison["data"]["items"] = canaries.make()
    assert sender.send(json.dumps(poison).encode(), "wrong-shape").status_code == 200
    return 3  # and the one that is sent with what is refused


def send_what_is_refused(service: Service, canaries: Canaries, token: str) -> None:
    sender = make_sender(service, "shopify")
    body = json.dumps({"id": 1, "note": canaries.make()}).encode()  # signed, and no order all the same
    url = f"http://127.0.0.1:{sender.port}"
    assert sender.send(body, "d", X_Shopify_Hmac_Sha256=canaries.make()).status_code == 401
    assert sender.send(b'{"id": 2, "note": "' + canaries.make().encode(), "d").status_code == 400
    assert sender.send(body, "d", Content_Type=canaries.make()).status_code == 415
    # an id of the sender's is taken over only when it is well-formed
    assert sender.send(body, "d", X_Request_Id=f"no good: {canaries.make()}").status_code == 200
    for path in (f"/webhooks/{canaries.make()}", f"/{canaries.make()}", f"/orders?page={canaries.make()}"):
        assert requests.post(url + path, data=canaries.make(), timeout=10).status_code >= 400
    own = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{url}/orders?text={canaries.make()}", headers=own, timeout=10).status_code < 500
    assert requests.get(f"{url}/orders?status={canaries.make()}", headers=own, timeout=10).status_code < 500
    wrong = {"Authorization": f"Bearer plm_{canaries.make():x<43}"}
    assert requests.get(f"{url}/orders", headers=wrong, timeout=10).status_code == 401
    assert requests.get(f"{url}/orders", auth=("somebody", canaries.make()), timeout=10).status_code == 401


def enqueue_what_is_not_ours(redis_url: str, canaries: Canaries) -> None:
    client = redis.Redis.from_url(redis_url)
    queue = Queue("tasks", connection=client, serializer=JSONSerializer)
    queue.enqueue("os.system", canaries.make(), description=canaries.make(), meta={"note": canaries.make()})
    queue.enqueue("worker.jobs.prune", canaries.make(), description=canaries.make())
    client.close()


def test_no_log_holds_personal_data_or_a_secret(
    start_service: StartService, own_postgres: PostgresServer, own_redis: RedisServer, pool_of: Callable[[str], Pool]
) -> None:
    service, canaries = start_all(start_service(own_postgres.url, own_redis.url, log_level="DEBUG")), Canaries()
    pool = pool_of(own_postgres.url)
    token = create_token(pool, "test", "viewer")
    poison = send_what_is_private(service, canaries)
    send_what_is_refused(service, canaries, token)
    enqueue_what_is_not_ours(own_redis.url, canaries)
    assert len(canaries.made) > 80
    assert wait_until(lambda: count(pool, "pending") == 0, QUARANTINE_S, 0.5)
    assert (count(pool, "quarantined"), count(pool, "done")) == (poison, 3)
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT error FROM inbox WHERE state = 'quarantined'")
        errors = str(cursor.fetchall())
    assert [canary for canary in canaries.made if canary in errors] == [], errors
    # what is said of servers that go away must not say how they are reached
    own_redis.stop()
    own_postgres.stop()
    time.sleep(3)
    own_postgres.start()
    own_redis.start()
    assert {process.name: process.stop() for process in service.processes} == dict.fromkeys(ALL, 0)
    text = "\n".join(process.read_log() for process in service.processes)
    assert [canary for canary in canaries.made if canary.lower() in text.lower()] == []
    secrets = [*service.secrets.values(), token]
    secrets += [str(urlsplit(url).password) for url in (own_postgres.url, own_redis.url, own_postgres.admin_url)]
    assert [secret for secret in secrets if secret in text] == []
    assert not re.search(r"whsec_|plm_|Bearer|postgresql://|redis://", text)
    expect_well_formed(service)


def expect_well_formed(service: Service) -> None:
    seen: dict[str, set[str]] = {}
    for name, line in read_lines(service):
        assert {"time", "level", "event", "process", "instance", "logger"} <= line.keys(), line
        assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
        assert line["level"] in ("debug", "info", "warning", "error", "critical")
        assert line["instance"] == name
        assert line["process"] == name.partition("-")[0]
        if line["logger"].startswith(("app.", "worker.")):
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", line["event"]), line
        seen.setdefault(name, set()).add(line["event"])
    assert {"delivery_received", "delivery_refused", "http_request"} <= seen["api"]
    assert {"delivery_stored", "delivery_failed", "delivery_quarantined"} <= seen["worker-ingest"]
    assert "job_failed" in seen["worker-tasks"]
    assert "sweep_failed" in seen["dispatcher"]
    assert "exporter_started" in seen["exporter"]


def test_one_grep_tells_the_story_of_an_order(
    start_service: StartService, database_url: str, redis_url: str, pool: Pool
) -> None:
    service = start_all(start_service(database_url, redis_url))
    answer = make_sender(service, "shopify").send(read_payload("shopify"), "d-1")
    request_id = answer.json()["request_id"]
    assert answer.headers["X-Request-Id"] == request_id
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert wait_until(lambda: count(pool, "done") == 1, 30, 0.1)
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT request_id, job_id FROM inbox")
        [(stored_id, job_id)] = cursor.fetchall()
        cursor.execute("SELECT type, actor FROM order_events WHERE request_id = %s", (request_id,))
        assert ("order_created", "channel:shopify") in cursor.fetchall()
    assert stored_id == request_id
    events = {}
    assert wait_until(lambda: request_id in service.processes[1].read_log(), 10)
    for name, line in read_lines(service):
        if line.get("request_id") == request_id:
            events[name, line["event"]] = line
    assert set(events) == {("api", "delivery_received"), ("worker-ingest", "delivery_stored")}
    assert events["api", "delivery_received"]["delivery_id"] == "d-1"
    assert events["worker-ingest", "delivery_stored"]["job_id"] == job_id
    assert events["worker-ingest", "delivery_stored"]["result"] == "created"
