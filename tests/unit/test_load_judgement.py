"""When a load was good enough, how a peak rises and falls, and where load may go."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import UsageError
from load.curve import SPIKE, count_users
from load.journal import Journal, describe
from load.judgement import Measured, Stored, Thresholds, Times, judge
from load.options import read_amount, read_ratio
from load.target import check_target, is_loopback, read_secrets, read_token
from stack.layout import STATE_VARIABLE

WANTED = Thresholds(failure_ratio=0.01, accept_p99_ms=100, list_p95_ms=200)
GOOD = Measured(
    requests=1000,
    failures=10,
    accept=Times({5: 989, 100: 11}),
    lists=Times({20: 90, 200: 10}),
    has_operator=True,
    has_channels=True,
    stored=Stored({"done": 900}, 0.2),
)


def test_a_run_at_its_limits_is_good() -> None:
    assert judge(GOOD, WANTED) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"failures": 11}, "1.10% of 1000 requests failed, 1.00% may"),
        ({"accept": Times({5: 989, 101: 11})}, "webhook accept p99 is 101 ms, 100 ms is allowed"),
        ({"lists": Times({20: 90, 201: 10})}, "lists p95 is 201 ms, 200 ms is allowed"),
        ({"accept": Times()}, "webhook accept: not one was timed; let it run longer"),
        ({"lists": Times()}, "lists: not one was timed; let it run longer"),
        ({"crashes": 2}, "2 tasks ended in an exception, shown above"),
        (
            {"stored": Stored({"done": 897, "quarantined": 1, "missing": 2}, 30.04)},
            "of 900 accepted deliveries, 897 were stored within 30.0 s (2 missing, 1 quarantined)",
        ),
        ({"requests": 0, "failures": 0}, "not one request was made"),
    ],
)
def test_what_is_missed_is_said(change: dict[str, object], words: str) -> None:
    assert judge(replace(GOOD, **change), WANTED) == [words]  # type: ignore[arg-type]  # fields by name


def test_each_miss_is_said() -> None:
    bad = replace(GOOD, failures=500, accept=Times({900: 1}), lists=Times({900: 1}))
    assert len(judge(bad, WANTED)) == 3


def test_nobody_is_judged_who_did_not_run() -> None:
    assert judge(replace(GOOD, has_operator=False, lists=Times(), stored=None), WANTED) == []
    assert judge(replace(GOOD, has_channels=False, accept=Times(), stored=None), WANTED) == []


def test_percentiles_are_of_all_requests_together() -> None:
    times = Times.merge([{1: 50, 2: 40}, {2: 5, 900: 5}])
    assert times.number == 100
    assert [times.find_percentile(percent) for percent in (50, 95, 96, 100)] == [1, 2, 900, 900]
    with pytest.raises(ValueError, match="no times"):
        Times().find_percentile(50)


def test_the_summary_has_a_line_for_the_verdict() -> None:
    journal = Journal()
    journal.counts.update(sent=12, accepted=10, duplicate=1, failed=1, forged=1, refused=1)
    good = describe(journal, GOOD, [], 5)
    assert good[0] == (
        "webhooks: 12 sent, 10 accepted (1 of them duplicates), 1 failed, 1 cut off at the end; "
        "1 of 1 forged ones refused (seed 5)"
    )
    assert "stored: 900 of 900 accepted deliveries, 0.2 s after the end" in good
    assert good[-1] == "load: all thresholds kept"
    assert describe(journal, GOOD, ["a", "b"], 5)[-1] == "load: missed: a; b"


def test_a_peak_rises_stays_spikes_and_falls() -> None:
    users = [count_users(second, 100, 20) for second in range(101)]
    assert users[0] == 1
    assert users[100] is None
    run = [one for one in users if one is not None]
    assert len(run) == 100
    assert run[:20] == sorted(run[:20])
    assert run[10] == 10
    assert set(run[20:60]) == {20}
    assert set(run[60:75]) == {20 * SPIKE}
    assert set(run[75:85]) == {20}
    assert run[85:] == sorted(run[85:], reverse=True)
    assert run[99] <= 2
    assert min(run) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_may_be_loaded(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:4000", "http://127.0.0.1.example.com", "http://localhost@example.com", "http://0.0.0.0:1"]
)
def test_nobody_else_is_loaded_unasked(url: str) -> None:
    with pytest.raises(UsageError, match="not this machine"):
        check_target(url, None)


def test_a_host_that_was_named_is_loaded() -> None:
    assert check_target("https://shop.example.com/", "shop.example.com") == "https://shop.example.com"
    with pytest.raises(UsageError, match=r"--allow-host other\.example\.com"):
        check_target("https://other.example.com", "shop.example.com")


@pytest.mark.parametrize("url", ["", "127.0.0.1:4000", "ftp://127.0.0.1", "http://127.0.0.1:99999", "http://[::1"])
def test_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        check_target(url, None)


def test_without_a_stack_it_is_said_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match="palmonas up"):
        read_secrets()
    with pytest.raises(UsageError, match="palmonas up, pass --token-file"):
        read_token(None)
    with pytest.raises(UsageError, match="cannot read the token"):
        read_token(str(tmp_path / "none"))
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(UsageError, match="is empty"):
        read_token(str(empty))


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf"])
def test_a_threshold_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        read_amount(text)
    with pytest.raises(argparse.ArgumentTypeError):
        read_ratio(text)


def test_a_ratio_is_no_percentage() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no ratio"):
        read_ratio("5")
    assert read_ratio("1") == 1
