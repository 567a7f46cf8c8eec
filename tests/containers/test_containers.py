"""compose.yml as it is, on a real engine: what a stand-in cannot show is listed in docs/containers.md."""

from __future__ import annotations

import json
import re
import time

import pytest
import requests

from stack.processes import wait_until
from tests.containers.conftest import Record
from tests.containers.engine import Engine
from tests.containers.orders import Load, count_orders, count_pending, count_stored_twice
from tests.containers.stack import Stack, ask_prometheus
from tests.sender import read_payload

ONCE = {"secrets", "migrate"}
OURS = {
    *("api-accept", "api-console", "worker-ingest", "worker-tasks", "worker-poll", "worker-push"),
    *("dispatcher", "exporter"),
}
SETTLE_S = 180.0
ROUNDS = (
    "api-accept",
    "api-console",
    "worker-ingest",
    "worker-tasks",
    "worker-poll",
    "worker-push",
    "dispatcher",
    "exporter",
)


def count_servers(stack: Stack, proxy: str) -> int:
    """Instances of a role that HAProxy sends requests to."""
    page = requests.get(f"http://127.0.0.1:{stack.ports['HAPROXY_PORT']}/metrics", timeout=30).text
    wanted = f'haproxy_server_status{{proxy="{proxy}",'
    return sum(line.startswith(wanted) and 'state="UP"' in line and line.endswith(" 1") for line in page.splitlines())


@pytest.mark.parametrize("profile", ["tools", "load", "demo", "dev", "scale", "engine", "*"])
def test_every_profile_is_a_valid_file(engine: Engine, profile: str) -> None:
    Stack(engine).compose("--profile", profile, "config", "--quiet")


def test_one_command_brings_up_everything(stack: Stack) -> None:
    states = {one["Service"]: (one["State"], one["Health"] or one["ExitCode"]) for one in stack.ps()}
    assert {name: states.pop(name) for name in ONCE} == dict.fromkeys(ONCE, ("exited", 0))
    assert set(states.values()) == {("running", "healthy")}
    assert set(states) >= OURS


def test_orders_come_in_through_the_front_door_and_are_stored(stack: Stack) -> None:
    body = json.loads(requests.get(f"{stack.url}/livez", timeout=30).text)
    assert body == {"status": "ok"}
    before = count_orders(stack)
    told = stack.compose(
        *("exec", "-T", "api-accept", "palmonas", "send", "shopify", "-", "--url", "http://haproxy:4001"),
        *("--count", "20"),
        stdin=read_payload("shopify").decode(),
    ).stdout
    assert "20" in told
    assert wait_until(lambda: count_orders(stack) == before + 20, SETTLE_S, pause_s=1)


def test_nobody_gets_in_without_a_generated_secret(stack: Stack) -> None:
    assert requests.get(f"{stack.url}/orders", timeout=30).status_code == 401
    assert requests.get(f"{stack.url}/metrics", timeout=30).status_code == 404
    refused = stack.compose("exec", "-T", "redis", "redis-cli", "ping", check=False)
    assert "NOAUTH" in refused.stdout
    with pytest.raises(Exception, match="password"):
        stack.execute("postgres", "psql", "-h", "127.0.0.1", "-U", "palmonas", "-w", "-d", "palmonas", "-c", "SELECT 1")


def test_containers_have_no_rights_and_a_root_that_cannot_be_written(stack: Stack) -> None:
    for service in sorted(OURS):
        [container] = stack.list_containers(service)
        [told] = json.loads(stack.engine.run("inspect", container).stdout)
        host = told["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False), service
        assert told["Config"]["User"] == "10001:10001"
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0
    assert "CapEff:\t0000000000000000" in stack.execute("worker-ingest", "cat", "/proc/1/status")
    assert stack.compose("exec", "-T", "worker-ingest", "touch", "/opt/palmonas/x", check=False).returncode != 0


def test_the_agent_can_read_every_line_with_its_service(stack: Stack) -> None:
    """As Alloy's user, with its rights and mounts, what its pipeline expects (containers/logs/config.alloy)."""
    found = stack.execute("alloy", "sh", "-c", "cat /var/log/containers/*/*-json.log")
    lines = [json.loads(line) for line in found.splitlines()]
    project = f"{stack.project}-"
    ours = [line for line in lines if line.get("attrs", {}).get("tag", "").startswith(project)]
    services = {line["attrs"]["com.docker.compose.service"] for line in ours}
    assert services >= {*OURS, *ONCE, "postgres", "redis", "prometheus"}
    for line in ours:
        assert line["attrs"]["tag"].startswith(project + line["attrs"]["com.docker.compose.service"])
        if line["attrs"]["com.docker.compose.service"] in OURS:
            assert json.loads(line["log"]).keys() >= {"level", "time"}, line["log"]


def test_the_agent_has_no_engine_and_writes_nothing_of_others(stack: Stack) -> None:
    # Without a capability, root cannot look into what belongs to others, and find says so.
    found = stack.compose("exec", "-T", "alloy", "find", "/", "-not", "-path", "/proc/*", "-type", "s", check=False)
    assert found.stdout == ""
    assert "CapEff:\t0000000000000000" in stack.execute("alloy", "cat", "/proc/1/status")
    assert stack.compose("exec", "-T", "alloy", "touch", "/var/log/containers/x", check=False).returncode != 0
    stack.execute("alloy", "touch", "/data/x")
    stack.execute("loki", "touch", "/loki/x")


def test_grafana_finds_what_its_configuration_names(stack: Stack) -> None:
    """As Grafana's user, which is not ours."""
    found = stack.execute("grafana", "sh", "-c", "cd /etc/grafana/provisioning && grep -l apiVersion */*.yml")
    assert set(found.split()) == {
        *("datasources/prometheus.yml", "datasources/loki.yml", "dashboards/palmonas.yml", "dashboards/logs.yml")
    }
    boards = stack.execute("grafana", "sh", "-c", "cat /etc/grafana/provisioning/dashboards/*.yml")
    for folder in re.findall(r"^ +path: (\S+)$", boards, re.MULTILINE):
        assert "palmonas-" in stack.execute("grafana", "ls", folder)
    assert len(stack.execute("grafana", "cat", "/run/secrets/grafana_admin_password")) >= 24
    stack.execute("grafana", "touch", "/var/lib/grafana/x")


def test_prometheus_finds_everybody_and_no_rule_fails(stack: Stack) -> None:
    def find_down() -> list[str]:
        return [one["metric"]["instance"] for one in ask_prometheus(stack, "up == 0 or probe_success == 0")]

    def find_jobs() -> set[str]:
        return {one["metric"]["job"] for one in ask_prometheus(stack, "up == 1")}

    wanted = {
        *("palmonas-api", "palmonas-worker", "palmonas-dispatcher", "palmonas-exporter"),
        *(
            "postgresql",
            "redis",
            "node",
            "blackbox",
            "haproxy",
            "prometheus",
            "alertmanager",
            "cadvisor",
            "loki",
            "alloy",
        ),
    }
    assert wait_until(lambda: find_jobs() == wanted and not find_down(), SETTLE_S, pause_s=2), find_down()
    roles = {one["metric"]["role"] for one in ask_prometheus(stack, 'up{job="palmonas-api"}')}
    assert roles == {"accept", "console"}
    rules = requests.get(f"{stack.prometheus}/api/v1/rules", timeout=30).json()["data"]["groups"]
    broken = [rule["name"] for group in rules for rule in group["rules"] if rule["health"] == "err"]
    assert rules
    assert broken == []


def test_three_and_three_are_found_without_an_edit(stack: Stack) -> None:
    # A console of two, for the rolling restart.
    scale = ("--scale", "api-accept=3", "--scale", "worker-ingest=3", "--scale", "api-console=2")
    stack.compose("up", "--detach", "--no-build", "--no-recreate", "--wait", *scale, deadline_s=420)
    assert wait_until(lambda: count_servers(stack, "accept") == 3, SETTLE_S, pause_s=1)
    for query, wanted in (
        ('count(up{job="palmonas-api", role="accept"} == 1)', "3"),
        ('count(up{job="palmonas-worker", instance=~"worker-ingest/.+"} == 1)', "3"),
    ):
        assert wait_until(
            lambda query=query, wanted=wanted: [one["value"][1] for one in ask_prometheus(stack, query)] == [wanted],
            SETTLE_S,
            pause_s=2,
        ), query


def test_a_rolling_restart_under_load_loses_nothing(stack: Stack, record_property: Record) -> None:
    """Every container of ours, one after the other, each time until it is healthy again."""
    assert [len(stack.list_containers(name)) for name in ("api-accept", "api-console", "worker-ingest")] == [3, 2, 3]
    before, started, restarted = count_orders(stack), time.monotonic(), 0
    with Load(stack, per_second=10) as load:
        for service in ROUNDS:
            for container in stack.list_containers(service):
                stack.engine.run("restart", "--time", "30", container, deadline_s=90)
                assert wait_until(lambda one=container: is_healthy(stack, one), SETTLE_S, pause_s=0.5), service
                restarted += 1
    record_property("rolling restart", load.tell(f"{restarted} containers restarted", started))
    print(*load.failures, sep="\n")
    assert load.failures == []
    assert len(load.accepted) > restarted
    assert wait_until(lambda: count_pending(stack) == 0, SETTLE_S, pause_s=1)
    assert count_orders(stack) == before + len(load.accepted)
    assert count_stored_twice(stack) == 0


def is_healthy(stack: Stack, container: str) -> bool:
    return stack.engine.run("inspect", "--format", "{{.State.Health.Status}}", container).stdout.strip() == "healthy"


def test_a_backup_is_restored_into_an_empty_volume(stack: Stack) -> None:
    assert wait_until(lambda: count_pending(stack) == 0, SETTLE_S, pause_s=1)
    orders = count_orders(stack)
    assert orders > 0
    told = stack.compose("run", "--rm", "tools", "backup", "/backups/all.dump", deadline_s=300).stdout
    assert "are in /backups/all.dump" in told
    stack.compose("down", "--timeout", "30", deadline_s=300)
    stack.engine.run("volume", "rm", f"{stack.project}_postgres-data")
    stack.start("postgres")
    told = stack.compose("run", "--rm", "tools", "restore", "/backups/all.dump", deadline_s=300).stdout
    assert "row for row as they were" in told
    stack.start()
    assert count_orders(stack) == orders
