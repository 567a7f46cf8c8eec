"""Bodies of the console that trickle in: whoever sends a byte now and then does not hold a place for long."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from app.api.gunicorn_worker import LINGER_S
from app.store.tokens import create_token
from stack.processes import find_free_port
from stack.servers import PostgresServer, RedisServer
from tests.console_process import ConsoleProcess, run_console_process

BODY_TIMEOUT_S = 1.0
LONGEST_S = BODY_TIMEOUT_S + LINGER_S + 8.0  # of a machine that has other work, too
GIVE_UP_S = 3 * LONGEST_S
PATIENCE = {f"{name}_timeout_s": "20" for name in ("pool", "connect", "statement")}  # these are tested elsewhere
BYTE_EVERY_S = 0.1
SENDERS = 40


@pytest.fixture(scope="module")
def console(
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    database_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ConsoleProcess]:
    settings = {"body_timeout_s": str(BODY_TIMEOUT_S), "prometheus_url": f"http://127.0.0.1:{find_free_port()}"}
    directory = tmp_path_factory.mktemp("bodies")
    with run_console_process(
        postgres_server, redis_server, "console_bodies", directory, **PATIENCE, **settings
    ) as running:
        yield running


@pytest.fixture(scope="module")
def token(console: ConsoleProcess) -> str:
    return create_token(console.pool, "sender", "admin")


def trickle(port: int, head: str, piece: bytes) -> tuple[bytes, float]:
    """What the console answers to one `piece` after the other, and the seconds until it hangs up."""
    started, answer = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST_S) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        while time.monotonic() - started < GIVE_UP_S:
            readable, _, _ = select.select([connection], [], [], BYTE_EVERY_S)
            try:
                if readable:
                    part = connection.recv(65536)
                    if not part:
                        break
                    answer += part
                connection.sendall(piece)
            except OSError:  # it was hung up on us, which is what we wait for
                break
    return answer, time.monotonic() - started


JSON, LENGTH = "Content-Type: application/json", "Content-Length: 1000"
FORM = "Content-Type: application/x-www-form-urlencoded"


TRICKLING = [
    (("PATCH /orders/1/status HTTP/1.1", JSON, 'If-Match: "1"', LENGTH), b" "),
    (("PATCH /orders/1/status HTTP/1.1", JSON, 'If-Match: "1"', "Transfer-Encoding: chunked"), b"1\r\n \r\n"),
    (("POST /session HTTP/1.1", JSON, LENGTH), b" "),
    (("POST /operations/silences HTTP/1.1", JSON, LENGTH), b" "),
    (("POST /dashboards/api/prometheus/query HTTP/1.1", FORM, LENGTH), b"a"),
]


def test_a_body_that_trickles_is_408_within_its_time(console: ConsoleProcess, token: str) -> None:
    def ask(lines: tuple[str, ...], piece: bytes) -> tuple[bytes, float]:
        head = "\n".join([*lines, "Host: h", f"Authorization: Bearer {token}"])
        return trickle(console.process.port, head, piece)

    with ThreadPoolExecutor(len(TRICKLING)) as threads:
        answers = list(threads.map(ask, *zip(*TRICKLING, strict=True)))
    for (lines, _), (answer, seconds) in zip(TRICKLING, answers, strict=True):
        assert answer.startswith(b"HTTP/1.1 408"), (lines, answer)
        assert b"urn:palmonas:problem:request_timeout" in answer
        assert BODY_TIMEOUT_S <= seconds < LONGEST_S


def test_many_that_trickle_leave_room_for_others_and_go(console: ConsoleProcess, token: str) -> None:
    head = "\n".join(["PATCH /orders/1/status HTTP/1.1", JSON, 'If-Match: "1"', LENGTH, "Host: h"])
    head += f"\nAuthorization: Bearer {token}"
    with ThreadPoolExecutor(SENDERS) as threads:
        sent = [threads.submit(trickle, console.process.port, head, b" ") for _ in range(SENDERS)]
        time.sleep(BODY_TIMEOUT_S / 2)
        url, headers = f"{console.url}/orders", {"Authorization": f"Bearer {token}"}
        assert requests.get(url, headers=headers, timeout=LONGEST_S).status_code == 200
        answers = [one.result() for one in sent]
    assert all(answer.startswith(b"HTTP/1.1 408") for answer, _ in answers)
    assert max(seconds for _, seconds in answers) < LONGEST_S


def test_a_body_that_is_only_slow_is_taken(console: ConsoleProcess, token: str) -> None:
    head = f'PATCH /orders/1/status HTTP/1.1\r\nHost: h\r\n{JSON}\r\nIf-Match: "1"\r\nContent-Length: 24\r\n'
    with socket.create_connection(("127.0.0.1", console.process.port), timeout=10) as connection:
        connection.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
        for part in (b'{"status": ', b'"processing"', b"}"):
            time.sleep(BODY_TIMEOUT_S / 6)
            connection.sendall(part)
        assert connection.recv(65536).startswith(b"HTTP/1.1 404"), "read whole: there is no such order"
