"""The pure parts of the drills: who is told of what, when, and what is kept of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills.alerts import (
    AlertLog,
    Key,
    Notice,
    count_groups,
    find_unexpected,
    first_firing,
    last_resolved,
    read_notice,
)
from drills.drill import Drill, list_drills
from drills.monitoring import scale_alertmanager, scale_prometheus
from drills.record import merge_result, merge_soak, record_result
from drills.run import Result, Steps
from drills.soak import SoakResult
from rules.files import fits, read_alerts
from rules.proofs import read_proofs
from stack.monitoring import SOURCE

DOWN = Key("PostgresDown", "page")
AGE = Key("QueueOldestJobAge", "warning")
WATCHDOG = Key("Watchdog", "none")


def alert(name: str, state: str, severity: str = "page", **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, "severity": severity, **labels}, "state": state}


def notice(at: float, group: str, firing: tuple[Key, ...] = (), resolved: tuple[Key, ...] = ()) -> Notice:
    return Notice(at, "page", group, frozenset(firing), frozenset(resolved))


def test_an_alert_is_followed_through_its_states() -> None:
    log = AlertLog()
    log.note(1, [])
    log.note(2, [alert("PostgresDown", "pending")])
    log.note(3, [alert("PostgresDown", "pending")])
    log.note(4, [alert("PostgresDown", "firing")])
    assert log.list_fired() == [DOWN]
    log.note(5, [])
    log.note(6, [])
    seen = log.seen[DOWN]
    assert (seen.pending_at, seen.firing_at, seen.gone_at) == (2, 4, 5)


def test_an_alert_that_comes_back_is_not_gone() -> None:
    log = AlertLog()
    log.note(1, [alert("PostgresDown", "firing")])
    log.note(2, [])
    log.note(3, [alert("PostgresDown", "pending")])
    assert log.seen[DOWN].gone_at is None
    assert log.seen[DOWN].pending_at is None, "a second round is not how the first began"


def test_one_of_many_instances_that_fires_is_firing() -> None:
    log = AlertLog()
    log.note(1, [alert("PostgresDown", "pending", instance="a"), alert("PostgresDown", "firing", instance="b")])
    assert (log.seen[DOWN].pending_at, log.seen[DOWN].firing_at) == (1, 1)


def test_a_pending_alert_has_not_fired_and_watchdog_does_not_count() -> None:
    log = AlertLog()
    log.note(1, [alert("PostgresDown", "pending"), alert("Watchdog", "firing", "none")])
    assert log.list_fired() == []


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ("PostgresDown", True),
        ("PostgresDown/page", True),
        ("PostgresDown/warning", False),
        ("Postgres", False),
        ("PostgresDown/page/1h", False),
    ],
)
def test_an_expectation_names_an_alert_or_one_severity_of_it(wanted: str, fits: bool) -> None:
    assert DOWN.fits(wanted) is fits


def test_a_notice_is_read_from_what_alertmanager_posts() -> None:
    message = {
        "groupKey": "{}:{alertname='PostgresDown'}",
        "alerts": [
            {"status": "firing", "labels": {"alertname": "PostgresDown", "severity": "page"}},
            {"status": "resolved", "labels": {"alertname": "QueueOldestJobAge", "severity": "warning"}},
        ],
    }
    assert read_notice(7, "page", message) == notice(7, "{}:{alertname='PostgresDown'}", (DOWN,), (AGE,))


def test_the_first_firing_notice_and_the_last_resolved_one_count() -> None:
    heard = [notice(1, "a", (DOWN,)), notice(2, "a", (DOWN,)), notice(3, "a", (), (DOWN,))]
    assert first_firing(heard, "PostgresDown") == 1
    assert last_resolved(heard, "PostgresDown") == 3
    assert first_firing(heard, "RedisDown") is None
    assert last_resolved(heard, "RedisDown") is None


def test_an_alert_is_not_resolved_while_one_group_of_it_fires() -> None:
    heard = [notice(1, "a", (DOWN,)), notice(2, "b", (DOWN,)), notice(3, "a", (), (DOWN,))]
    assert last_resolved(heard, "PostgresDown") is None
    assert last_resolved([*heard, notice(4, "b", (), (DOWN,))], "PostgresDown") == 4
    again = [*heard, notice(4, "b", (), (DOWN,)), notice(5, "a", (DOWN,))]
    assert last_resolved(again, "PostgresDown") is None


def test_what_nobody_expects_is_found() -> None:
    heard = [notice(1, "a", (DOWN,)), notice(2, "b", (AGE,)), notice(3, "c", (WATCHDOG,)), notice(4, "b", (), (AGE,))]
    assert find_unexpected(heard, ["PostgresDown"]) == ["QueueOldestJobAge/warning"]
    assert find_unexpected(heard, ["PostgresDown", "QueueOldestJobAge/page"]) == ["QueueOldestJobAge/warning"]
    assert find_unexpected(heard, ["PostgresDown", "QueueOldestJobAge"]) == []
    assert count_groups(heard, ["PostgresDown"]) == 2


def test_what_the_machine_says_of_itself_counts_only_when_it_is_expected() -> None:
    labels = {"alertname": "HostCpuPressure", "severity": "warning"}
    busy = read_notice(1, "warning", {"groupKey": "a", "alerts": [{"status": "firing", "labels": labels}]})
    assert find_unexpected([busy], ()) == []
    assert count_groups([busy], ()) == 0
    assert count_groups([busy], ["HostCpuPressure"]) == 1
    assert first_firing([busy], "HostCpuPressure") == 1


def make_result(name: str = "a-drill", factor: float = 10, problems: tuple[str, ...] = ()) -> Result:
    def nothing(_stand: object) -> None:
        return None

    drill = Drill(name, "Something breaks.", ("PostgresDown",), nothing, nothing, {}, 60, 6, 90, lambda _stand: True)
    steps = {"PostgresDown": Steps("page", "", 1.04, 4.06, 4.21, 2.0, 3.333)}
    return Result(drill, factor, list(problems), steps, 1, [])


def test_a_passed_drill_replaces_its_own_record_and_no_other() -> None:
    before = {"scaled": {"a-drill": {"old": True}, "b-drill": {"kept": True}}, "real_time": {"a-drill": {"kept": True}}}
    after = merge_result(before, make_result())
    assert after["scaled"]["a-drill"]["alerts"]["PostgresDown"] == {
        "severity": "page",
        "kind": "",
        "pending_s": 1.0,
        "firing_s": 4.1,
        "notified_s": 4.2,
        "inactive_s": 2.0,
        "resolved_s": 3.3,
    }
    assert after["scaled"]["b-drill"] == before["scaled"]["b-drill"]
    assert after["real_time"] == before["real_time"]


def test_a_run_in_real_time_is_kept_apart() -> None:
    after = merge_result({"scaled": {}}, make_result(factor=1))
    assert list(after["real_time"]) == ["a-drill"]
    assert after["scaled"] == {}


def test_a_failed_drill_proves_nothing() -> None:
    with pytest.raises(ValueError, match="a-drill did not pass"):
        merge_result({}, make_result(problems=("PostgresDown did not fire",)))


def test_records_are_read_back_as_proofs(tmp_path: Path) -> None:
    path = tmp_path / "drills.json"
    record_result(make_result("b-drill"), path)
    record_result(make_result("a-drill"), path)
    assert list(json.loads(path.read_text())["scaled"]) == ["a-drill", "b-drill"]
    (proof, _) = read_proofs(path)
    assert (proof.drill, proof.alert, proof.severity, proof.factor) == ("a-drill", "PostgresDown", "page", 10)
    assert (proof.firing_s, proof.notified_s, proof.resolved_s) == (4.1, 4.2, 3.3)


def test_every_drill_is_whole_and_expects_alerts_that_exist() -> None:
    assert len(list_drills()) >= 20
    for drill in list_drills():
        assert drill.fault.endswith("."), drill.name
        for wanted in (*drill.expect, *drill.may):
            assert any(fits(wanted, *alert.path) for alert in read_alerts()), f"{drill.name}: {wanted}"
        assert all(drill.may.values()), drill.name


def test_prometheus_is_scaled_and_its_timeout_stays_below_the_interval() -> None:
    scaled = scale_prometheus(yaml.safe_load((SOURCE / "prometheus.yml").read_text()), 10)
    assert scaled["global"]["scrape_interval"] == "1500ms"
    assert scaled["global"]["evaluation_interval"] == "1500ms"
    assert scaled["global"]["scrape_timeout"] == "1500ms"


def test_scrapes_that_are_dear_are_not_scaled_to_the_end() -> None:
    document = yaml.safe_load((SOURCE / "prometheus.yml").read_text())
    for factor, interval in ((10, "15s"), (1, "30s")):
        jobs = {job["job_name"]: job for job in scale_prometheus(document, factor)["scrape_configs"]}
        assert jobs["process"]["scrape_interval"] == interval


def test_alertmanager_keeps_its_routes_and_tells_the_drill() -> None:
    document = yaml.safe_load((SOURCE / "alertmanager.yml").read_text())
    scaled = scale_alertmanager(document, 10, "http://127.0.0.1:1")
    assert scaled.get("inhibit_rules") == document.get("inhibit_rules")
    assert len(scaled["route"]["routes"]) == len(document["route"]["routes"])
    assert [one["name"] for one in scaled["receivers"]] == [one["name"] for one in document["receivers"]]
    for receiver in scaled["receivers"]:
        (hook,) = receiver["webhook_configs"]
        assert hook == {"url": f"http://127.0.0.1:1/{receiver['name']}", "send_resolved": True}
    watchdog = next(one for one in scaled["route"]["routes"] if one["receiver"] == "watchdog")
    assert watchdog["repeat_interval"] == "6s"


def test_the_longest_silent_soak_is_kept() -> None:
    long, short = SoakResult(60, 20_000, (), ()), SoakResult(5, 900, ("HostCpuPressure/warning",), ())
    document = merge_soak({"scaled": {"kept": True}}, long)
    assert document["soak"]["deliveries"] == 20_000
    assert merge_soak(document, short) == document
    assert merge_soak({}, short)["soak"]["minutes"] == 5


def test_a_soak_that_was_heard_is_not_recorded() -> None:
    with pytest.raises(ValueError, match="notified"):
        merge_soak({}, SoakResult(60, 1, (), ("QueueStuck/page",)))
