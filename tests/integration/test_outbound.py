"""The way out against servers that misbehave on the wire: addresses, deadlines, sizes, TLS, circuit, secrets."""

from __future__ import annotations

import socket
import ssl
import time
import traceback
from pathlib import Path

import pytest

from app import telemetry
from app.errors import CallFailed, ConfigError
from app.outbound.door import FAILURES_TO_OPEN, Door
from tests.doors import HEAD, Reply, make_certificate, open_shop, send, talk_raw

SECRET = "canary-8Jx2vQm4Rk7Tz1Wn"
TIMEOUT_S = 0.6


def make_door(place: str, *, allow: bool = True, timeout_s: float = TIMEOUT_S, **options: float) -> Door:
    return Door("shopify", f"http://{place}", allow=frozenset([place] if allow else []), timeout_s=timeout_s, **options)


def fail_call(door: Door, path: str = "/x", **options: object) -> CallFailed:
    """The error of a call; nothing of what was sent may stand in it, nor in what a traceback shows."""
    with pytest.raises(CallFailed) as caught:
        door.call(
            "read_order",
            "POST",
            path,
            headers={"X-Token": SECRET},
            params={"key": SECRET},
            data=SECRET.encode(),
            **options,  # type: ignore[arg-type]  # max_bytes
        )
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(door)
    assert SECRET not in shown
    return caught.value


def test_a_call_arrives_whole_and_its_answer_too() -> None:
    with open_shop(lambda _: Reply({"a": 1}, headers={"X-Limit": "1/2", "Link": "<a>"})) as shop:
        answer = make_door(shop.place).call(
            "push", "PUT", "/a/b?c=1", json_body={"d": "\N{EURO SIGN}"}, headers={"T": "1"}
        )
        assert (answer.status, answer.body, answer.headers["x-limit"]) == (200, b'{"a": 1}', "1/2")
        (asked,) = shop.asked
        assert (asked.method, asked.path, asked.query, asked.json) == (
            "PUT",
            "/a/b",
            {"c": "1"},
            {"d": "\N{EURO SIGN}"},
        )
        assert (asked.headers["T"], asked.headers["Host"]) == ("1", shop.place)
        assert asked.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_a_private_address_is_refused_unless_it_is_allowed_by_name(host: str) -> None:
    with open_shop(lambda _: Reply({})) as shop:
        port = shop.place.partition(":")[2]
        allowed = Door("shopify", f"http://{host}:{port}", allow=frozenset([f"{host}:{port}"]))
        allowed.call("push", "GET", "/")
        assert len(shop.asked) == 1
        # The same server over https: the name alone opens nothing.
        error = fail_call(Door("shopify", f"https://{host}:{port}", allow=frozenset([f"{host}:1", "10.0.0.1:80"])))
        assert error.outcome == "refused"
        assert "PALMONAS_OUTBOUND_ALLOW" in str(error)
        assert len(shop.asked) == 1


@pytest.mark.parametrize("host", ["[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "[fe80::1]", "0"])
def test_other_private_addresses_are_refused_at_once(host: str) -> None:
    started = time.monotonic()
    assert fail_call(Door("shopify", f"https://{host}", timeout_s=5)).outcome == "refused"
    assert time.monotonic() - started < 1


def test_a_name_that_resolves_to_loopback_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebind(host: str, port: int, *args: int, **options: int) -> object:
        """Public for the first question, loopback for every other: what a rebinding name server does."""
        asked.append(host)
        return real("192.0.2.1" if len(asked) == 1 else "127.0.0.1", port, *args, **options)

    with open_shop(lambda _: Reply({})) as shop:
        port = shop.place.partition(":")[2]
        door = Door("shopify", f"https://rebinding.example:{port}")
        monkeypatch.setattr(socket, "getaddrinfo", rebind)
        assert fail_call(door).outcome == "refused"
        assert fail_call(door).outcome == "refused"
        assert asked == ["rebinding.example"] * 2
        assert shop.asked == []


def test_redirects_are_not_followed_wherever_they_lead() -> None:
    with open_shop(lambda _: Reply({})) as target:
        for status in (301, 302, 303, 307, 308):
            reply = Reply({}, status, {"Location": f"{target.url}/inside?{SECRET}"})
            with open_shop(lambda _, reply=reply: reply) as shop:  # type: ignore[misc]  # bound for this turn
                error = fail_call(make_door(shop.place))
                assert (error.outcome, error.status) == ("bad_answer", status)
                assert "not followed" in str(error)
        assert target.asked == []


def test_an_address_of_a_call_is_judged_like_the_base_address() -> None:
    with open_shop(lambda _: Reply({})) as shop, open_shop(lambda _: Reply({})) as other:
        door = Door("amazon", shop.url, allow=frozenset([shop.place]))
        assert fail_call(door, f"{other.url}/token").outcome == "refused"
        assert fail_call(door, f"https://{other.place}/token").outcome == "refused"
        assert fail_call(door, f"https://user:{SECRET}@host.example/").outcome == "refused"
        both = Door("amazon", shop.url, allow=frozenset([shop.place, other.place]))
        both.call("token", "POST", f"{other.url}/token")
        assert other.list_asked() == [("POST", "/token")]


@pytest.mark.parametrize(
    "url",
    ["http://shop.example", "ftp://shop.example", "shop.example", "https://", f"https://u:{SECRET}@shop.example",
     "https://shop.example:99999", "https://[::1"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Door("shopify", url)
    assert SECRET not in str(caught.value)


def test_an_answer_of_just_the_largest_size_is_taken() -> None:
    with open_shop(lambda _: Reply(b"x" * 2000)) as shop:
        assert len(make_door(shop.place).call("push", "GET", "/", max_bytes=2000).body) == 2000


@pytest.mark.parametrize(
    ("reply", "outcome", "after"),
    [
        (Reply({}, 400), "client_error", None),
        (Reply({}, 401), "client_error", None),
        (Reply({}, 404, {"Retry-After": "5"}), "client_error", None),
        (Reply({}, 429, {"Retry-After": "2.0"}), "rate_limited", 2.0),
        (Reply({}, 429, {"x-amzn-RateLimit-Limit": "0.5"}), "rate_limited", 2.0),
        (Reply({}, 429), "rate_limited", None),
        (Reply({}, 500), "server_error", None),
        (Reply({}, 503, {"Retry-After": "7"}), "server_error", 7.0),
    ],
)
def test_statuses_are_told_apart(reply: Reply, outcome: str, after: float | None) -> None:
    with open_shop(lambda _: reply) as shop:
        error = fail_call(make_door(shop.place))
        assert (error.outcome, error.status, error.retry_after_s) == (outcome, reply.status, after)


def test_nobody_listening() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = fail_call(make_door(f"127.0.0.1:{port}"))
    assert error.outcome == "connection"
    assert str(error) == "shopify read_order: the channel cannot be reached (ConnectionRefusedError)"


@pytest.mark.parametrize("header", [f"{SECRET}\r\nX-Injected: 1", f"{SECRET}\N{EURO SIGN}"])
def test_a_header_that_must_not_be_sent_is_not(header: str) -> None:
    with open_shop(lambda _: Reply({})) as shop:
        with pytest.raises(CallFailed) as caught:
            make_door(shop.place).call("push", "GET", "/", headers={"X-Token": header})
        assert caught.value.outcome == "refused"
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert shop.asked == []


def test_certificates_are_verified(tmp_path: Path) -> None:
    """Of the right name and a known authority it is taken; of an unknown one or another name it is not."""
    reply = send(HEAD + b"Content-Length: 2\r\n\r\n{}")
    right, right_context = make_certificate(tmp_path, "DNS:localhost")
    wrong, wrong_context = make_certificate(tmp_path, "DNS:shop.example")

    def call(context: ssl.SSLContext, ca_file: Path | None) -> str:
        with talk_raw(reply, context) as port:
            place = f"localhost:{port}"
            door = Door(
                "shopify", f"https://{place}", allow=frozenset([place]), ca_file=str(ca_file) if ca_file else None
            )
            try:
                return door.call("push", "GET", "/", headers={"X-Token": SECRET}).body.decode()
            except CallFailed as error:
                return f"{error.outcome}: {error}"

    assert call(right_context, right) == "{}"
    refusal = "connection: shopify push: the channel shows a certificate that is not trusted"
    assert call(right_context, None) == refusal
    assert call(wrong_context, wrong) == refusal
    assert call(wrong_context, right) == refusal


def read_state() -> float:
    return telemetry.CHANNEL_CIRCUIT_STATE.labels("shopify")._value.get()


def test_the_circuit_opens_and_tries_again() -> None:
    replies = [Reply({}, 500)] * FAILURES_TO_OPEN + [Reply({}, 502), Reply({})]
    with open_shop(lambda _: replies.pop(0)) as shop:
        door = make_door(shop.place, reset_s=0.3)
        for _ in range(FAILURES_TO_OPEN):
            assert read_state() == 0
            assert fail_call(door).outcome == "server_error"
        assert read_state() == 2
        error = fail_call(door)
        assert (error.outcome, error.retry_after_s) == ("circuit_open", 0.3)
        assert len(shop.asked) == FAILURES_TO_OPEN
        time.sleep(0.35)
        assert fail_call(door).outcome == "server_error"  # the one trial call
        assert read_state() == 2
        assert fail_call(door).outcome == "circuit_open"
        assert len(shop.asked) == FAILURES_TO_OPEN + 1
        time.sleep(0.35)
        assert door.call("push", "GET", "/").status == 200
        assert read_state() == 0


def test_what_the_channel_dislikes_does_not_open_the_circuit() -> None:
    replies = (
        [Reply({}, 500)] * (FAILURES_TO_OPEN - 1) + [Reply({}, 404)] + [Reply({}, 429)] * 10 + [Reply({}, 422)] * 10
    )
    with open_shop(lambda _: replies.pop(0)) as shop:
        door = make_door(shop.place)
        while replies:
            assert fail_call(door).outcome != "circuit_open"
        assert read_state() == 0


def count(operation: str, outcome: str) -> float:
    return telemetry.CHANNEL_CALLS.labels("shopify", operation, outcome)._value.get()


def test_each_call_is_counted_and_timed() -> None:
    replies = [Reply({}), Reply({}, 404), Reply({}, 500)]
    outcomes = ("ok", "client_error", "server_error", "refused")
    before = [count("read_order", outcome) for outcome in outcomes]
    seconds = telemetry.CHANNEL_CALL_SECONDS.labels("shopify", "read_order")
    sum_before = seconds._sum.get()
    with open_shop(lambda _: replies.pop(0)) as shop:
        door = make_door(shop.place)
        door.call("read_order", "GET", "/")
        fail_call(door)
        fail_call(door)
        fail_call(door, "https://127.0.0.1:1/")
    assert [count("read_order", outcome) for outcome in outcomes] == [one + 1 for one in before]
    assert seconds._sum.get() > sum_before


def test_no_proxy_and_no_password_file_comes_in_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password stolen\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with open_shop(lambda _: Reply({})) as proxy, open_shop(lambda _: Reply({})) as shop:
        monkeypatch.setenv("http_proxy", proxy.url)
        make_door(shop.place).call("push", "GET", "/")
        assert (len(proxy.asked), len(shop.asked)) == (0, 1)
        assert "Authorization" not in shop.asked[0].headers
