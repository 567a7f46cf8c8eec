"""The accept path over real HTTP: every answer it can give, and what is in the inbox afterwards."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from app.store.pool import Pool
from stack.servers import PostgresServer
from tests.integration.conftest import StartService, open_pool
from tests.sender import Sender, read_payload
from tests.service import Service


def read_inbox(pool: Pool) -> list[tuple[str, str, str]]:
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT channel, delivery_id, request_id FROM inbox ORDER BY id")
        return list(cursor.fetchall())


@pytest.fixture
def api(start_service: StartService, database_url: str, redis_url: str) -> Service:
    service = start_service(database_url, redis_url, roles="accept", body_timeout_s="1")
    service.add_api()
    return service.wait_ready()


def make_sender(service: Service, channel: str = "shopify", index: int = 0) -> Sender:
    return Sender(service.processes[index].port, channel, service.secrets[channel])


@pytest.mark.parametrize("channel", ["shopify", "woocommerce", "standard"])
def test_a_signed_delivery_is_durable_when_it_is_answered(api: Service, pool: Pool, channel: str) -> None:
    answer = make_sender(api, channel).send(read_payload(channel), "d-1", X_Request_Id="request-of-the-test")
    assert answer.status_code == 200
    assert answer.json() == {"status": "accepted", "request_id": "request-of-the-test"}
    assert answer.headers["X-Request-Id"] == "request-of-the-test"
    [(stored_channel, delivery_id, request_id)] = read_inbox(pool)
    assert stored_channel == channel
    assert delivery_id.startswith("d-1")
    assert request_id == "request-of-the-test"


def test_the_body_is_kept_byte_for_byte(api: Service, pool: Pool) -> None:
    body = '{ "id" : 7,\t"note": "Zoë \\u0000 \\\\ {\\"a\\"} NULL" }'.encode()
    assert make_sender(api).send(body, "d-raw").status_code == 200
    with pool.autocommit("test") as cursor:
        cursor.execute("SELECT payload FROM inbox")
        assert cursor.fetchone()[0].encode() == body


def test_a_duplicate_is_answered_200_and_not_stored_again(api: Service, pool: Pool) -> None:
    sender = make_sender(api)
    assert sender.send(read_payload("shopify"), "same").json()["status"] == "accepted"
    assert sender.send(read_payload("shopify"), "same").json()["status"] == "duplicate"
    assert len(read_inbox(pool)) == 1


def expect_problem(answer: requests.Response, status: int, reason: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:palmonas:problem:{reason}"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["X-Request-Id"]


def test_what_is_refused_and_how(api: Service, pool: Pool) -> None:
    sender, body = make_sender(api), read_payload("shopify")
    expect_problem(sender.send(body, "d", X_Shopify_Hmac_Sha256="bm8="), 401, "bad_signature")
    expect_problem(sender.send(b"not json", "d"), 400, "malformed")
    expect_problem(sender.send(b"[1, 2]", "d"), 400, "malformed")
    expect_problem(sender.send(b'{"name": "no id"}', "d"), 400, "malformed")
    expect_problem(sender.send(b'{"id": 1, "note": "\xff"}', "d"), 400, "malformed")
    expect_problem(sender.send(body, "d", Content_Type="text/plain"), 415, "unsupported_media_type")
    url = f"http://127.0.0.1:{sender.port}/webhooks/"
    expect_problem(requests.post(url + "nosuch", json={}, timeout=5), 404, "not_found")
    expect_problem(requests.get(url + "shopify", timeout=5), 405, "method_not_allowed")
    assert read_inbox(pool) == []
    metrics = api.processes[0].get("/metrics")[1].decode()
    assert 'palmonas_deliveries_rejected_total{channel="shopify",reason="bad_signature"} 1.0' in metrics
    assert 'palmonas_deliveries_rejected_total{channel="unknown",reason="not_found"} 1.0' in metrics
    assert "nosuch" not in metrics


def test_a_channel_without_a_secret_does_not_exist(
    start_service: StartService, database_url: str, redis_url: str
) -> None:
    service = start_service(database_url, redis_url, roles="accept", woocommerce_secrets="")
    service.add_api()
    service.wait_ready()
    expect_problem(make_sender(service, "woocommerce").send(read_payload("woocommerce"), "d"), 404, "not_found")


def test_the_woocommerce_ping_is_answered_and_not_kept(api: Service, pool: Pool) -> None:
    port = api.processes[0].port
    answer = requests.post(f"http://127.0.0.1:{port}/webhooks/woocommerce", data={"webhook_id": "3"}, timeout=5)
    assert (answer.status_code, answer.json()) == (200, {"status": "pong"})
    assert read_inbox(pool) == []


def talk(port: int, request: bytes, seconds: float) -> bytes:
    """Send raw bytes and read until the server closes or `seconds` have passed."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request)
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except TimeoutError:
            pass
    return received


HEAD = b"POST /webhooks/shopify HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"


def test_a_body_over_the_limit_is_refused_before_it_is_read(api: Service) -> None:
    port = api.processes[0].port
    declared = talk(port, HEAD + b"Content-Length: 2000000\r\n\r\n" + b"x" * 1000, 3)
    assert declared.startswith(b"HTTP/1.1 413")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    streamed = talk(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 17, 3)
    assert streamed.startswith(b"HTTP/1.1 413")


def test_a_sender_that_stalls_is_told_so(api: Service) -> None:
    started = time.monotonic()
    answer = talk(api.processes[0].port, HEAD + b"Content-Length: 100\r\n\r\n{", 5)
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started < 4


def test_fifty_identical_deliveries_on_two_instances_are_one_row(
    start_service: StartService, database_url: str, redis_url: str, pool: Pool
) -> None:
    service = start_service(database_url, redis_url, roles="accept")
    service.add_api("api-1")
    service.add_api("api-2")
    service.wait_ready()
    senders = [make_sender(service, index=0), make_sender(service, index=1)]
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda i: senders[i % 2].send(read_payload("shopify"), "one"), range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert [answer.json()["status"] for answer in answers].count("accepted") == 1
    assert len(read_inbox(pool)) == 1


def test_a_frozen_store_is_a_503_with_retry_after_and_then_recovers(
    start_service: StartService, own_postgres: PostgresServer, redis_url: str
) -> None:
    service = start_service(
        own_postgres.url, redis_url, roles="accept", accept_timeout_s="1.5", statement_timeout_s="1"
    )
    service.add_api()
    service.wait_ready()
    sender, body = make_sender(service), read_payload("shopify")
    assert sender.send(body, "before").status_code == 200
    own_postgres.freeze()
    try:
        started = time.monotonic()
        answer = sender.send(body, "while")
        assert time.monotonic() - started < 3
        expect_problem(answer, 503, "store_unavailable")
        assert answer.headers["Retry-After"] == "5"
    finally:
        own_postgres.thaw()
    deadline = time.monotonic() + 15
    while sender.send(body, "while").status_code != 200:
        assert time.monotonic() < deadline, "the instance did not recover by itself"
        time.sleep(0.2)
    pool = open_pool(own_postgres.url, size=1)
    assert [row[1] for row in read_inbox(pool)] == ["before", "while"]
    pool.close()


def test_redis_away_does_not_keep_an_order_out(start_service: StartService, database_url: str, pool: Pool) -> None:
    service = start_service(database_url, "redis://:not-a-real-password@127.0.0.1:1/0", roles="accept")
    service.add_api()
    service.wait_ready()
    started = time.monotonic()
    assert make_sender(service).send(read_payload("shopify"), "d").status_code == 200
    assert time.monotonic() - started < 3
    assert len(read_inbox(pool)) == 1
