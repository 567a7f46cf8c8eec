"""Containers of a Docker engine as metrics: recorded answers over a real socket, and what may go wrong with one."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.core import Metric

from app import telemetry
from app.errors import ConfigError
from tests.engine import RecordedEngine, open_engine
from tests.integration.conftest import StartService
from tests.metrics import read_scrape
from worker.container_collector import ContainerEvents, ContainerReader
from worker.docker_engine import EngineError

DEADLINE_S = 10.0
Found = dict[tuple[str, ...], float]


@pytest.fixture
def engine() -> Iterator[RecordedEngine]:
    """A path of its own: that of a socket may have 107 letters."""
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    try:
        with open_engine(folder / "docker.sock") as opened:
            yield opened
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def reader(engine: RecordedEngine) -> Iterator[ContainerReader]:
    stop = threading.Event()
    made = ContainerReader(str(engine.path))
    made.start(stop.wait)
    wait_until_collected(made)
    yield made
    stop.set()


def wait_until_collected(reader: ContainerReader) -> None:
    """Until the recorded events are in: one container has an exit code that only they tell."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            if read(reader.collect(), telemetry.CONTAINER_OOM_KILLS)["shop-web-1", "web"]:
                return
        except EngineError:
            pass
        time.sleep(0.05)
    raise AssertionError("the events did not come")


def read(metrics: list[Metric], name: str) -> Found:
    """The samples of one metric by their labels' values."""
    return {
        tuple(sample.labels.values()): sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name == name
    }


def read_states(metrics: list[Metric]) -> dict[str, str]:
    """The state of each container, of which there must be exactly one."""
    found = read(metrics, telemetry.CONTAINER_STATE)
    now = [(name, state) for (name, _, state), value in found.items() if value == 1]
    assert len(now) == len(dict(now))
    assert len(found) == len(now) * len(telemetry.CONTAINER_STATES)
    return dict(now)


def test_every_state_is_told(reader: ContainerReader) -> None:
    assert read_states(reader.collect()) == {
        "shop-web-1": "running",
        "shop-web-2": "running",
        "shop-web-3": "running",
        "shop-worker-1": "paused",
        "shop-worker-2": "stopped",  # by somebody, though it is meant to run
        "shop-loop-1": "restarting",
        "shop-late-1": "stopped",  # made and never started
        "shop-task-1": "finished",  # on-failure, and it did not fail
        "shop-migrate-1": "failed",
        "shop-secrets-1": "finished",
    }


def test_health_is_told_of_those_that_run_and_have_a_check(reader: ContainerReader) -> None:
    found = read(reader.collect(), telemetry.CONTAINER_HEALTH)
    assert {labels for labels, value in found.items() if value == 1} == {
        ("shop-web-1", "web", "healthy"),
        ("shop-web-2", "web", "unhealthy"),
        ("shop-web-3", "web", "starting"),
    }
    assert len(found) == 3 * len(telemetry.CONTAINER_HEALTH_STATES)


def test_restarts_kills_and_exit_codes_are_told(reader: ContainerReader, engine: RecordedEngine) -> None:
    found = reader.collect()
    restarts = read(found, telemetry.CONTAINER_RESTARTS)
    looping = engine.find("shop-loop-1")["Id"]
    assert restarts["shop-loop-1", "loop"] == engine.inspected[looping]["RestartCount"] > 2
    assert restarts["shop-web-1", "web"] == 0
    kills = read(found, telemetry.CONTAINER_OOM_KILLS)
    assert kills["shop-web-1", "web"] == 2  # a child, then all of it
    assert kills["shop-web-2", "web"] == 0  # a counter that begins with 1 has no increase
    assert read(found, telemetry.CONTAINER_EXIT_CODE) == {
        ("shop-web-1", "web"): 137,  # from the event: it runs again
        ("shop-loop-1", "loop"): 7,
        ("shop-worker-2", "worker"): 143,
        ("shop-task-1", "task"): 0,
        ("shop-migrate-1", "migrate"): 3,
        ("shop-secrets-1", "secrets"): 0,
    }


def test_nothing_but_reading_is_asked_for(reader: ContainerReader, engine: RecordedEngine) -> None:
    reader.collect()
    assert {path.split("?")[0].rpartition("/")[2] for path in engine.asked} == {"json", "events"}


def test_a_task_of_a_swarm_that_ended_is_history(reader: ContainerReader, engine: RecordedEngine) -> None:
    engine.find("shop-migrate-1")["Labels"] = {"com.docker.swarm.service.name": "shop_web"}
    engine.find("shop-web-1")["Labels"] = {"com.docker.swarm.service.name": "shop_web"}
    found = reader.collect()
    assert read_states(found)["shop-migrate-1"] == "finished"
    assert ("shop-web-1", "shop_web") in read(found, telemetry.CONTAINER_RESTARTS)


def test_a_container_that_is_being_started_is_told_of_as_it_was(
    reader: ContainerReader, engine: RecordedEngine
) -> None:
    looping = engine.find("shop-loop-1")
    engine.held.add(looping["Id"])
    started = time.monotonic()
    found = reader.collect()
    assert time.monotonic() - started < 2
    assert read(found, telemetry.CONTAINER_RESTARTS)["shop-loop-1", "loop"] > 2
    assert len(read_states(found)) == 10


def test_many_that_are_held_back_do_not_hold_back_the_scrape(reader: ContainerReader, engine: RecordedEngine) -> None:
    engine.held.update(one["Id"] for one in engine.containers)
    started = time.monotonic()
    assert len(read_states(reader.collect())) == 10
    assert time.monotonic() - started < 6


def test_a_container_that_went_between_two_questions_is_left_out(
    reader: ContainerReader, engine: RecordedEngine
) -> None:
    del engine.inspected[engine.find("shop-late-1")["Id"]]
    assert "shop-late-1" not in read_states(reader.collect())


def test_an_engine_that_is_frozen_fails_in_time(reader: ContainerReader, engine: RecordedEngine) -> None:
    engine.is_frozen = True
    started = time.monotonic()
    with pytest.raises(EngineError):
        reader.collect()
    assert time.monotonic() - started < 3


def test_an_engine_that_went_fails(reader: ContainerReader, engine: RecordedEngine) -> None:
    engine.path.unlink()
    with pytest.raises(EngineError, match="No such file"):
        reader.collect()


def test_an_event_counts_once_however_often_it_is_told(engine: RecordedEngine) -> None:
    events = ContainerEvents(str(engine.path))
    for event in [*engine.events, *engine.events]:
        events.take(event)
    web = engine.find("shop-web-1")["Id"]
    kills, codes = events.read({web})
    assert (kills, codes) == ({web: 2}, {web: 137})
    assert events.read(set()) == ({}, {})


def test_a_line_that_is_no_event_is_an_error(engine: RecordedEngine) -> None:
    events = ContainerEvents(str(engine.path))
    events.take({"Action": "die", "timeNano": 5, "Actor": None})
    events.take(json.loads('{"Action": "die", "timeNano": 6, "Actor": {"ID": "x", "Attributes": {"exitCode": "?"}}}'))
    assert events.read({"x"}) == ({}, {})


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (Path.exists, r"No such file or directory; is the Docker engine running\?"),
        (lambda path: (path.write_text("") and path) or path, "is no socket; the engine's is usually"),
    ],
)
def test_a_wrong_socket_stops_the_start(tmp_path: Path, make: Callable[[Path], object], complaint: str) -> None:
    path = tmp_path / "docker.sock"
    make(path)
    with pytest.raises(ConfigError, match=complaint):
        ContainerReader(str(path))


def test_the_exporter_tells_of_containers_when_it_is_given_a_socket(
    start_service: StartService, database_url: str, redis_url: str, engine: RecordedEngine
) -> None:
    service = start_service(database_url, redis_url, DOCKER_SOCKET=str(engine.path))
    exporter = service.add("exporter", "exporter").wait_ready()
    text = exporter.get("/metrics")[1].decode()
    assert read_scrape(text, "palmonas_container_state", service="migrate", state="failed") == 1
    assert read_scrape(text, "palmonas_container_health", service="web", health="unhealthy") == 1
    assert read_scrape(text, "palmonas_collector_up", collector="containers") == 1
    engine.path.unlink()
    text = exporter.get("/metrics")[1].decode()
    assert "palmonas_container_state{" not in text
    assert read_scrape(text, "palmonas_collector_up", collector="containers") == 0
    assert read_scrape(text, "palmonas_collector_up", collector="queues") == 1


def test_the_exporter_refuses_a_socket_that_is_none(
    start_service: StartService, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    service = start_service(database_url, redis_url, DOCKER_SOCKET=str(tmp_path))
    with pytest.raises(AssertionError, match="did not become ready") as refused:
        service.add("exporter", "exporter").wait_ready()
    assert f"PALMONAS_DOCKER_SOCKET {tmp_path} is no socket" in str(refused.value)
    assert "Traceback" not in str(refused.value)
