"""containers/engine.env: the exporter reads the engine through a door that lets nothing but reading through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stack.processes import wait_until
from tests.containers.engine import Engine
from tests.containers.stack import Stack, read_settings

DEADLINE_S = 120.0
# The status that the door answers with.
ASK = """
import http.client, socket, sys
connection = http.client.HTTPConnection("localhost", timeout=10)
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect("/run/engine/docker.sock")
connection.request(sys.argv[1], sys.argv[2])
print(connection.getresponse().status)
"""


@pytest.fixture(scope="module")
def watched(built: Engine) -> Iterator[Stack]:
    stack = Stack(built, project="palmonas-engine", settings=read_settings("engine"))
    try:
        stack.start("exporter")
        yield stack
    finally:
        stack.stop()


def read_metrics(stack: Stack) -> list[str]:
    page = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9400/metrics', timeout=20).read().decode())"
    return stack.execute("exporter", "python", "-I", "-c", page).splitlines()


def test_the_exporter_tells_state_and_health_of_containers(watched: Stack) -> None:
    name = f"{watched.project}-postgres-1"
    wanted = {
        'palmonas_collector_up{collector="containers"} 1.0',
        f'palmonas_container_state{{name="{name}",service="postgres",state="running"}} 1.0',
        f'palmonas_container_health{{health="healthy",name="{name}",service="postgres"}} 1.0',
    }
    assert wait_until(lambda: wanted <= set(read_metrics(watched)), DEADLINE_S, pause_s=1), wanted - set(
        read_metrics(watched)
    )


def test_it_tells_what_became_of_one_that_was_killed(watched: Stack) -> None:
    name = f"{watched.project}-redis-1"
    watched.engine.run("kill", name)
    wanted = f'palmonas_container_last_exit_code{{name="{name}",service="redis"}} 137.0'
    assert wait_until(lambda: wanted in read_metrics(watched), DEADLINE_S, pause_s=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/containers/json", "200"),
        ("GET", "/containers/json?all=true", "200"),
        ("POST", "/containers/create", "403"),
        ("POST", "/containers/json", "403"),
        ("DELETE", "/containers/0a", "403"),
        ("GET", "/containers/0a/archive?path=/run", "403"),
        ("GET", "/containers/0a/../../images/json", "403"),
        ("GET", "/images/json", "403"),
        ("GET", "/v1.41/containers/0a/attach/ws", "403"),
    ],
)
def test_the_door_lets_nothing_but_reading_through(watched: Stack, method: str, path: str, status: str) -> None:
    assert watched.execute("exporter", "python", "-I", "-c", ASK, method, path).strip() == status


def test_whoever_has_the_socket_has_no_network_and_no_right(watched: Stack) -> None:
    assert watched.execute("engine", "ls", "/sys/class/net").split() == ["lo"]
    assert "CapEff:\t0000000000000000" in watched.execute("engine", "cat", "/proc/1/status")
