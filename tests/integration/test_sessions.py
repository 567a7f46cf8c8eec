"""Sessions of people: how they begin, what they need, and all the ways they end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from app.store import users
from app.store.pool import Pool
from stack.servers import RedisServer
from tests.api_console import ORIGIN, PASSWORD, Browser, Console, insert_order, run_console, run_sql

COOKIE = "__Host-palmonas"


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url, tokens=False) as running:
        yield running


def read_id(browser: Browser) -> str:
    cookie = browser.client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def test_a_login_answers_who_it_is_and_a_cookie_that_scripts_and_plain_http_do_not_get(console: Console) -> None:
    email = console.make_user("operator")
    browser = Browser(console.client())
    answer = browser.log_in(email.upper())
    assert answer.json["user"]["email"] == email
    assert answer.json["user"]["role"] == "operator"
    attributes = {part.strip() for part in answer.headers["Set-Cookie"].split(";")[1:]}
    assert attributes == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert browser.get("/session").json["csrf"] == browser.csrf != ""
    assert browser.get("/orders").status_code == 200


def test_redis_has_small_json_and_no_id_that_a_browser_could_use(console: Console, redis_url: str) -> None:
    browser = console.log_in("viewer")
    client = redis.Redis.from_url(redis_url)
    everything = b"".join(
        key + (client.get(key) or b"") for key in client.scan_iter("palmonas:session:*") if client.type(key)
    )
    client.close()
    assert read_id(browser).encode() not in everything
    stored = json.loads(everything[everything.index(b"{") :])
    assert set(stored) == {"user", "generation", "csrf", "expires"}
    assert len(everything) < 400
    assert b"@" not in everything


@pytest.mark.parametrize("planted", ["A" * 43, "x", "", "../../etc"])
def test_an_id_that_a_client_brings_along_is_never_taken(console: Console, planted: str) -> None:
    browser = Browser(console.client())
    browser.client.set_cookie(COOKIE, planted)
    assert browser.get("/session").status_code == 401
    assert browser.log_in(console.make_user("viewer")).status_code == 200
    assert read_id(browser) != planted
    assert len(read_id(browser)) == 43


def test_a_login_changes_the_id_and_ends_the_session_before_it(console: Console) -> None:
    browser = console.log_in("viewer")
    first = read_id(browser)
    assert browser.log_in(console.make_user("admin")).status_code == 200
    assert read_id(browser) != first
    thief = Browser(console.client())
    thief.client.set_cookie(COOKIE, first)
    assert thief.get("/session").status_code == 401


def test_wrong_unknown_and_disabled_are_refused_in_one_way(console: Console) -> None:
    email = console.make_user("viewer")
    users.disable_user(console.services.pool, console.make_user("admin"), "request-0001")
    answers = [
        Browser(console.client()).log_in(*given)
        for given in ((email, "not the password"), ("nobody@shop.example", PASSWORD), ("admin@shop.example", PASSWORD),
                      ("\x00' OR 1=1 --", PASSWORD))
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json["detail"] for answer in answers}) == 1
    assert not any("Set-Cookie" in answer.headers for answer in answers)


def test_an_unknown_account_takes_as_long_as_a_wrong_password(console: Console) -> None:
    email = console.make_user("viewer")
    Browser(console.client()).log_in("nobody@shop.example")  # makes the decoy
    seconds: dict[str, list[float]] = {email: [], "nobody@shop.example": []}
    for _ in range(4):
        for given, found in seconds.items():
            started = time.process_time()  # of all threads: the work, not the wait
            assert Browser(console.client()).log_in(given, "not the password").status_code == 401
            found.append(time.process_time() - started)
    known, unknown = (min(found) for found in seconds.values())
    assert 0.6 < known / unknown < 1.6
    assert known > 0.02  # Argon2 was at work


END: dict[str, Callable[[Pool, str], Any]] = {
    "disabled": lambda pool, email: users.disable_user(pool, email, "request-0001"),
    "another role": lambda pool, email: users.set_role(pool, email, "viewer", "request-0001"),
    "another password": lambda pool, email: users.set_password(pool, email, "x", "request-0001"),
    "logged out": lambda pool, email: users.log_out_user(pool, email, "request-0001"),
}


@pytest.mark.parametrize("how", END)
def test_what_operators_change_takes_effect_at_once(console: Console, how: str) -> None:
    first, second, other = console.log_in("admin"), console.log_in("admin"), console.log_in("operator")
    END[how](console.services.pool, "admin@shop.example")
    assert [one.get("/orders").status_code for one in (first, second, other)] == [401, 401, 200]


def test_logging_out_ends_this_session_and_everywhere_ends_all(console: Console) -> None:
    first, second, other = console.log_in("admin"), console.log_in("admin"), console.log_in("viewer")
    stolen = read_id(first)
    answer = first.call("DELETE", "/session")
    assert answer.status_code == 204
    assert f"{COOKIE}=;" in answer.headers["Set-Cookie"]
    first.client.set_cookie(COOKIE, stolen)
    assert [one.get("/session").status_code for one in (first, second)] == [401, 200]
    third = console.log_in("admin")
    assert second.call("DELETE", "/sessions").status_code == 204
    assert [one.get("/session").status_code for one in (second, third, other)] == [401, 401, 200]


def test_a_session_ends_when_nobody_uses_it_and_after_its_longest_time(database_url: str, redis_url: str) -> None:
    settings = {"SESSION_IDLE_S": "1.2", "SESSION_MAX_S": "3"}
    with run_console(database_url, redis_url, tokens=False, settings=settings) as console:
        used, idle = console.log_in("viewer"), console.log_in("viewer")
        started = time.monotonic()
        while time.monotonic() - started < 2.2:
            assert used.get("/session").status_code == 200
            time.sleep(0.2)
        assert idle.get("/session").status_code == 401
        while time.monotonic() - started < 3.2:
            used.get("/session")
            time.sleep(0.2)
        assert used.get("/session").status_code == 401


REFUSED: tuple[dict[str, str], ...] = (
    {"X-CSRF-Token": ""},
    {"X-CSRF-Token": "é" * 43},
    {"X-CSRF-Token": "A" * 43},
    {"Origin": ""},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


def test_a_change_by_cookie_needs_the_sessions_token_and_our_own_page(console: Console, database_url: str) -> None:
    order = insert_order(database_url, "csrf")
    browser = console.log_in("operator")

    def change(status: str, revision: int, sent: dict[str, str]) -> int:
        headers = {"If-Match": f'"{revision}"'} | sent
        return browser.call("PATCH", f"/orders/{order}/status", json={"status": status}, headers=headers).status_code

    for sent in REFUSED:
        assert change("processing", 1, sent) == 403, sent
    assert run_sql(database_url, "SELECT revision FROM orders") == [(1,)]
    assert change("processing", 1, {}) == 200
    assert change("packed", 2, {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}) == 200


def test_a_token_of_another_session_does_not_fit(console: Console) -> None:
    browser, other = console.log_in("operator"), console.log_in("operator")
    assert browser.call("DELETE", "/session", headers={"X-CSRF-Token": other.csrf}).status_code == 403
    assert browser.get("/session").status_code == 200


@pytest.mark.parametrize("sent", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_cannot_log_a_browser_in(console: Console, sent: dict[str, str]) -> None:
    answer = Browser(console.client()).log_in(console.make_user("viewer"), headers=sent)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_redis_away_keeps_people_out_and_nothing_else(database_url: str, own_redis: RedisServer) -> None:
    with run_console(database_url, own_redis.url) as console:
        browser = console.log_in("operator")
        own_redis.stop()
        for answer in (browser.get("/orders"), browser.get("/session"), console_login(console)):
            assert answer.status_code == 503
            assert answer.json["type"] == "urn:palmonas:problem:sessions_unavailable"
            assert answer.headers["Retry-After"]
        assert console.get("/orders").status_code == 200  # by token
        own_redis.start()
        assert browser.get("/orders").status_code in (200, 401)  # Redis may have kept it
        assert console_login(console).status_code == 200


def console_login(console: Console) -> Any:
    return Browser(console.client()).log_in("operator@shop.example")


def test_a_redis_that_was_emptied_asks_people_to_log_in_again(console: Console, redis_url: str) -> None:
    browser = console.log_in("viewer")
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    client.close()
    assert browser.get("/orders").status_code == 401
    assert browser.log_in("viewer@shop.example").status_code == 200
