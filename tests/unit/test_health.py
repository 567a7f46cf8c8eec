"""Health reports, readiness, and the operators' port's answers, without servers."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from app.checks import check_age, seconds_since
from app.health import DEADLINE_S, CheckFailed, HealthReport, Readiness
from app.operations import answer_health, answer_livez, answer_readyz

SLACK_S = 1.0


def raise_failed() -> dict[str, object]:
    raise CheckFailed("queue tasks has no worker")


def raise_secret() -> dict[str, object]:
    raise ConnectionError("could not connect as palmonas with a-very-secret-password")


def test_a_report_names_every_check_with_its_time() -> None:
    report = HealthReport({"fine": lambda: {"used": 3}, "failed": raise_failed, "broken": raise_secret}).read()
    assert report["status"] == "degraded"
    checks = report["checks"]
    assert [one.pop("seconds") < SLACK_S for one in checks.values()] == [True] * 3
    assert checks == {
        "fine": {"status": "ok", "used": 3},
        "failed": {"status": "failed", "detail": "queue tasks has no worker"},
        "broken": {"status": "failed", "detail": "ConnectionError: did not answer"},
    }


def test_a_report_is_ok_when_all_checks_are() -> None:
    report = HealthReport({"one": dict, "two": dict})
    assert report.read()["status"] == "ok"
    assert answer_health(report)[0] == "200 OK"


def test_checks_that_hang_cost_the_deadline_once_and_are_not_started_twice() -> None:
    release, starts = threading.Event(), []

    def hang() -> dict[str, object]:
        starts.append(1)
        release.wait(30)
        return {}

    report = HealthReport({"first": hang, "fine": dict, "second": hang})
    try:
        for _ in range(2):
            started = time.monotonic()
            status, found = answer_health(report)
            assert time.monotonic() - started < DEADLINE_S + SLACK_S
            assert status == "503 Service Unavailable"
            assert found["checks"]["fine"]["status"] == "ok"
            for name in ("first", "second"):
                assert found["checks"][name]["status"] == "failed"
                assert "has not answered for" in found["checks"][name]["detail"]
        assert len(starts) == 2
    finally:
        release.set()
    deadline = time.monotonic() + 10
    while report.read()["status"] != "ok":
        assert time.monotonic() < deadline, "the report did not recover"


def test_readiness_goes_from_starting_to_ready_to_draining() -> None:
    readiness = Readiness()
    assert answer_readyz(readiness) == ("503 Service Unavailable", {"status": "starting"})
    readiness.set_waiting("schema is empty")
    assert answer_readyz(readiness)[1] == {"status": "schema is empty"}
    readiness.set_ready()
    assert answer_readyz(readiness) == ("200 OK", {"status": "ok"})
    readiness.set_draining()
    assert answer_readyz(readiness)[1] == {"status": "draining"}


def test_readiness_asks_whether_the_process_is_broken() -> None:
    readiness, problems = Readiness(), ["the committer died"]
    readiness.watch(lambda: problems[0] if problems else None)
    readiness.set_ready()
    assert answer_readyz(readiness) == ("503 Service Unavailable", {"status": "the committer died"})
    problems.clear()
    assert answer_readyz(readiness)[0] == "200 OK"


def test_a_main_loop_that_hangs_is_not_alive() -> None:
    assert answer_livez(lambda: None) == ("200 OK", {"status": "ok"})
    assert answer_livez(lambda: "main loop silent for 91 s") == (
        "503 Service Unavailable",
        {"status": "main loop silent for 91 s"},
    )


def test_an_age_is_checked_against_its_limit() -> None:
    assert check_age("heartbeat", lambda: 4.04, 90)() == {"age_seconds": 4.0}
    with pytest.raises(CheckFailed, match="last heartbeat 91 s ago, expected within 90 s"):
        check_age("heartbeat", lambda: 91.0, 90)()


@pytest.mark.parametrize("zone", [UTC, None], ids=["aware", "naive UTC, as RQ has it"])
def test_the_age_of_a_moment(zone: object) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=30)
    assert 30 <= seconds_since(moment if zone else moment.replace(tzinfo=None), 0.0) < 30 + SLACK_S
    assert 5 <= seconds_since(None, time.monotonic() - 5) < 5 + SLACK_S
