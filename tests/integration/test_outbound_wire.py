"""Peers that are slow or broken on the wire: every call ends at its deadline, and nothing half is taken for whole."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from app.errors import CallFailed
from app.outbound.door import Door
from tests.doors import HEAD, Reply, Talk, make_certificate, open_shop, send, talk_raw
from tests.integration.test_outbound import TIMEOUT_S, fail_call, make_door

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

SLOW: dict[str, Talk] = {
    "hangs before its headers": send(hold_s=1.5),
    "drips its headers": send(b"HTTP/1.1 200 OK\r\n", *[b"X: 1\r\n"] * 60, pause_s=0.05),
    "drips its status line": send(*[b"H", b"T", b"T", b"P"], *[b"x"] * 60, pause_s=0.05),
    "drips its body": send(HEAD + b"Content-Length: 100\r\n\r\n", *[b"x"] * 100, pause_s=0.05),
    "drips its chunks": send(CHUNKED, *[b"1\r\nx\r\n"] * 100, pause_s=0.05),
    "drips without a length": send(HEAD + b"\r\n", *[b"x"] * 100, pause_s=0.05),
    "stops in its body": send(HEAD + b"Content-Length: 100\r\n\r\nhalf", hold_s=1.5),
}


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_a_slow_peer_is_left_at_the_deadline(kind: str, encrypted: bool, tmp_path: Path) -> None:
    authority, context = make_certificate(tmp_path, "DNS:localhost") if encrypted else (None, None)
    with talk_raw(SLOW[kind], context) as port:
        door = Door(
            "shopify",
            f"{'https' if encrypted else 'http'}://localhost:{port}",
            allow=frozenset([f"localhost:{port}"]),
            timeout_s=TIMEOUT_S,
            ca_file=str(authority) if authority else None,
        )
        started = time.monotonic()
        assert fail_call(door).outcome == "timeout"
        assert TIMEOUT_S - 0.05 <= time.monotonic() - started < TIMEOUT_S + 0.5


def test_a_peer_that_never_shakes_hands_is_left_at_the_deadline() -> None:
    with talk_raw(lambda _: time.sleep(1.5)) as port:
        door = Door("shopify", f"https://localhost:{port}", allow=frozenset([f"localhost:{port}"]), timeout_s=TIMEOUT_S)
        started = time.monotonic()
        assert fail_call(door).outcome == "timeout"
        assert time.monotonic() - started < TIMEOUT_S + 0.5


def test_a_peer_that_takes_no_body_is_left_at_the_deadline() -> None:
    with talk_raw(lambda _: time.sleep(1.5)) as port:
        door = make_door(f"127.0.0.1:{port}")
        started = time.monotonic()
        with pytest.raises(CallFailed, match="took longer"):
            door.call("push", "POST", "/", data=b"x" * (32 << 20))
        assert time.monotonic() - started < TIMEOUT_S + 0.5


BROKEN: dict[str, tuple[Talk, str]] = {
    "closes at once": (lambda _: None, "connection"),
    "says nothing": (send(), "connection"),
    "is no HTTP": (send(b"220 mail.example ESMTP\r\n"), "bad_answer"),
    "breaks off": (send(HEAD + b"Content-Length: 100\r\n\r\n[1, 2"), "bad_answer"),
    "breaks off in chunks": (send(CHUNKED + b"64\r\n[1, 2"), "bad_answer"),
    "answers too much": (send(HEAD + b"Content-Length: 3000\r\n\r\n" + b"x" * 3000), "bad_answer"),
    "announces too much": (send(HEAD + b"Content-Length: 99999999999\r\n\r\n" + b"x" * 3000), "bad_answer"),
    "answers too much in chunks": (send(CHUNKED + b"a\r\n0123456789\r\n" * 300 + b"0\r\n\r\n"), "bad_answer"),
    "answers without end": (send(HEAD + b"\r\n", *[b"x" * 1000] * 50), "bad_answer"),
    "has headers without end": (send(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 200, b"\r\n"), "bad_answer"),
    "has a header without end": (send(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 100_000), "bad_answer"),
    "compresses unasked": (send(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"), "bad_answer"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_is_an_error(kind: str) -> None:
    talk, outcome = BROKEN[kind]
    with talk_raw(talk) as port:
        assert fail_call(make_door(f"127.0.0.1:{port}", timeout_s=3), max_bytes=2000).outcome == outcome


def test_nothing_is_left_open() -> None:
    def count_open() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with talk_raw(SLOW["drips its body"]) as slow, open_shop(lambda _: Reply({})) as shop:
        quick, dripping = make_door(shop.place), make_door(f"127.0.0.1:{slow}", timeout_s=0.1)
        quick.call("push", "GET", "/")
        threads = {
            thread.name for thread in threading.enumerate() if "Timer" in thread.name or thread.name == "resolve"
        }
        assert threads == set()
        before = count_open()
        for _ in range(20):
            quick.call("push", "GET", "/")
        fail_call(dripping)
    assert count_open() <= before
