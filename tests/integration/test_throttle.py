"""Tries to log in are counted, and checking passwords keeps nobody else from being served."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gevent
import pytest
from werkzeug.test import TestResponse

from tests.api_console import Browser, Console, run_console, run_sql

ME = "viewer@shop.example"


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    settings = {"LOGIN_TRIES_ACCOUNT": "3", "LOGIN_TRIES_ADDRESS": "5", "LOGIN_WINDOW_S": "60"}
    with run_console(database_url, redis_url, tokens=False, settings=settings) as running:
        running.make_user("viewer")
        yield running


def fail(console: Console, email: str = ME, address: str = "192.0.2.1") -> TestResponse:
    return Browser(console.client()).log_in(email, "not the password", headers={"X-Forwarded-For": address})


def test_tries_for_one_account_are_counted_wherever_they_come_from(console: Console, database_url: str) -> None:
    statuses = [fail(console, address=f"192.0.2.{number}").status_code for number in range(5)]
    right = Browser(console.client()).log_in(ME, headers={"X-Forwarded-For": "198.51.100.1"})
    assert statuses == [401, 401, 401, 429, 429]
    assert right.status_code == 429  # also with the right password
    assert 1 <= int(right.headers["Retry-After"]) <= 61  # the window, rounded up
    assert right.json["type"] == "urn:palmonas:problem:too_many_requests"
    told = run_sql(database_url, "SELECT count(*) FROM audit_log WHERE outcome = 'throttled'")
    assert told == [(1,)]  # once, not for each


def test_strangers_do_not_keep_somebody_out_of_where_they_come_from(console: Console) -> None:
    home = {"X-Forwarded-For": "198.51.100.1"}
    assert Browser(console.client()).log_in(ME, headers=home).status_code == 200
    assert [fail(console, address=f"192.0.2.{number}").status_code for number in range(5)][-1] == 429
    assert Browser(console.client()).log_in(ME, headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 429
    assert Browser(console.client()).log_in(ME.upper(), headers=home).status_code == 200
    # There tries are counted, too.
    assert [fail(console, address="198.51.100.1").status_code for _ in range(4)] == [401, 401, 401, 429]


def test_the_time_that_is_told_is_long_enough(database_url: str, redis_url: str) -> None:
    settings = {"LOGIN_TRIES_ACCOUNT": "1", "LOGIN_WINDOW_S": "3"}
    with run_console(database_url, redis_url, tokens=False, settings=settings) as console:
        console.make_user("viewer")
        answers = [fail(console) for _ in range(3)]
        throttled = next(answer for answer in answers if answer.status_code == 429)
        time.sleep(int(throttled.headers["Retry-After"]))
        assert Browser(console.client()).log_in(ME).status_code == 200


def test_an_unknown_account_is_throttled_like_a_known_one(console: Console) -> None:
    assert [fail(console, "nobody@shop.example").status_code for _ in range(4)] == [401, 401, 401, 429]


def test_tries_from_one_address_are_counted_whatever_the_account(console: Console) -> None:
    network = [fail(console, f"{number}@shop.example", f"2001:db8::{number}").status_code for number in range(6)]
    assert network == [401] * 5 + [429]
    assert fail(console, "other@shop.example", "2001:db8:1::1").status_code == 401
    assert fail(console, "more@shop.example", "192.0.2.9").status_code == 401


def test_the_right_password_gives_the_account_its_tries_back(console: Console) -> None:
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        assert [fail(console, address=address).status_code for _ in range(2)] == [401, 401]
        assert Browser(console.client()).log_in(ME, headers={"X-Forwarded-For": address}).status_code == 200


def test_others_are_served_while_a_password_is_checked(console: Console) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.002)
            ticks += 1

    ticker = gevent.spawn(tick)
    login = gevent.spawn(fail, console)
    login.join(timeout=10)
    ticker.kill()
    assert login.value.status_code == 401
    assert ticks >= 5


def test_only_so_many_wait_for_their_password_to_be_checked(database_url: str, redis_url: str) -> None:
    settings = {"LOGIN_TRIES_ACCOUNT": "1000", "LOGIN_TRIES_ADDRESS": "1000"}
    with run_console(database_url, redis_url, tokens=False, settings=settings) as console:
        fail(console)  # makes the decoy
        logins = [gevent.spawn(fail, console) for _ in range(30)]
        gevent.joinall(logins, timeout=30)
        answers = [login.value for login in logins]
        assert {answer.status_code for answer in answers} <= {401, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 8
        assert all(answer.headers["Retry-After"] for answer in refused)
        assert fail(console).status_code == 401  # the places came back
