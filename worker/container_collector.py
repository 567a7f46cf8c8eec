"""Health, restarts, ends and OOM kills of the containers of a Docker engine, as metrics. Never changes anything.

Read are containers that belong to a service, of compose or of a swarm: what somebody runs by hand comes and goes. A
container that the engine would not start again runs once: it finishes or fails, and is not missed.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.metrics_core import Metric

from app import telemetry
from app.errors import ConfigError
from worker.docker_engine import Engine, EngineError, read_field

log = logging.getLogger(__name__)

COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_ONE_OFF = "com.docker.compose.oneoff"  # `docker compose run`
SWARM_SERVICE = "com.docker.swarm.service.name"
TIMEOUT_S = 1.0  # of one answer
DEADLINE_S = 4.0  # of a scrape; Prometheus gives it 10 s, and the other collectors need theirs
EVENTS_S = 30.0  # of one connection for events
EVENTS_GRACE_S = 5.0  # after which a connection that should have ended counts as broken
RETRY_S = 2.0


@dataclass(frozen=True)
class Detail:
    """What only an inspection tells of a container; the engine holds it back while the container starts."""

    policy: str
    restarts: int


@dataclass(frozen=True)
class Container:
    """A container of a service. `state` is one of `telemetry.CONTAINER_STATES`, `health` is empty without a check."""

    identity: str
    name: str
    service: str
    state: str
    health: str
    restarts: int
    exit_code: int | None


def read_detail(found: Mapping[str, Any]) -> Detail:
    """A Detail of what the engine's inspect says."""
    return Detail(
        str(read_field(found, "HostConfig", "RestartPolicy", "Name") or "no"), int(found.get("RestartCount") or 0)
    )


def read_service(listed: Mapping[str, Any]) -> str | None:
    """The service that a container of the engine's list belongs to, or None."""
    labels = listed.get("Labels") or {}
    service = labels.get(COMPOSE_SERVICE) or labels.get(SWARM_SERVICE)
    return service if service and labels.get(COMPOSE_ONE_OFF) != "True" else None


def read_container(listed: Mapping[str, Any], service: str, detail: Detail) -> Container:
    """A Container of what the engine's list says (`State: exited`, `Status: Exited (3) 2 minutes ago`)."""
    status, engine_state = str(listed.get("Status") or ""), str(listed.get("State") or "")
    code = int(found[1]) if (found := re.match(r"(?:Exited|Restarting) \((\d+)\)", status)) else None
    health = re.search(r"\((?:health: )?(starting|healthy|unhealthy)\)", status) if engine_state == "running" else None
    return Container(
        identity=str(listed["Id"]),
        name=str((listed.get("Names") or [listed["Id"]])[0]).lstrip("/"),
        service=service,
        state=_judge_state(engine_state, code, detail.policy, swarm=SWARM_SERVICE in (listed.get("Labels") or {})),
        health=health[1] if health else "",
        restarts=detail.restarts,
        exit_code=code,
    )


def _judge_state(engine_state: str, code: int | None, policy: str, *, swarm: bool) -> str:
    if engine_state in {"running", "paused", "restarting"}:
        return engine_state
    if swarm:  # its tasks are replaced, never started again: what is left of them is history
        return "finished"
    if policy in {"always", "unless-stopped"} or (policy == "on-failure" and code != 0):
        return "stopped"
    return "failed" if code else "finished"


class ContainerEvents:
    """Counts OOM kills and keeps exit codes, by container, from the engine's events as they come.

    An OOM-killed child leaves no trace in its container, and an exit code is gone with the next start.
    """

    def __init__(self, path: str) -> None:
        self.problem: str | None = "the first connection is not made yet"
        self._path = path
        self._since_s = time.time()
        self._last_ns = 0
        self._lock = threading.Lock()
        self._oom_kills: dict[str, int] = {}
        self._exit_codes: dict[str, int] = {}

    def follow(self, wait: Callable[[float], bool]) -> None:
        """Follow the events until `wait`, which pauses for so many seconds, says that it is time to stop."""
        while not wait(0):
            try:
                self._follow_once(EVENTS_S)
            except EngineError as error:
                self.problem = str(error)
                log.warning("container_events_failed", extra={"error": type(error.__cause__).__name__})
                wait(RETRY_S)

    def _follow_once(self, length_s: float) -> None:
        """One connection, which the engine ends; the next one asks again for all that this one was to tell."""
        began_s = time.time()
        engine = Engine(self._path, timeout_s=length_s + EVENTS_GRACE_S, deadline_s=length_s + EVENTS_GRACE_S)
        try:
            engine.list_containers()  # is it there, without waiting for an event
            self.problem = None
            for event in engine.follow_events(self._since_s, began_s + length_s):
                self.take(event)
        finally:
            engine.close()
        self._since_s = began_s

    def take(self, event: Mapping[str, Any]) -> None:
        """Count one event. One that was told by two connections counts once."""
        at_ns, container = int(event.get("timeNano") or 0), str(read_field(event, "Actor", "ID"))
        code = str(read_field(event, "Actor", "Attributes", "exitCode") or "")
        with self._lock:
            if at_ns <= self._last_ns:
                return
            self._last_ns = at_ns
            if event.get("Action") == "oom":
                self._oom_kills[container] = self._oom_kills.get(container, 0) + 1
            elif event.get("Action") == "die" and code.isdigit():
                self._exit_codes[container] = int(code)

    def read(self, containers: set[str]) -> tuple[dict[str, int], dict[str, int]]:
        """OOM kills and last exit codes by container; what is not among `containers` is forgotten."""
        with self._lock:
            for counted in (self._oom_kills, self._exit_codes):
                for gone in counted.keys() - containers:
                    del counted[gone]
            return dict(self._oom_kills), dict(self._exit_codes)


class ContainerReader:
    """The part `containers` of the exporter's collector. `start` follows the events, `collect` is one scrape."""

    def __init__(self, path: str) -> None:
        """Raises ConfigError when `path` is no socket that this user may use."""
        self._path = check_socket(path)
        self._events = ContainerEvents(path)
        self._details: dict[str, Detail] = {}

    def start(self, wait: Callable[[float], bool]) -> None:
        threading.Thread(target=self._events.follow, args=(wait,), name="container-events", daemon=True).start()

    def collect(self) -> list[Metric]:
        """The metrics of all containers of services, in at most DEADLINE_S seconds. Raises EngineError."""
        if self._events.problem:
            raise EngineError(self._events.problem)
        containers = self._read_containers()
        kills, codes = self._events.read({one.identity for one in containers})
        return describe_containers(containers, kills, codes)

    def _read_containers(self) -> list[Container]:
        engine = Engine(self._path, timeout_s=TIMEOUT_S, deadline_s=DEADLINE_S)
        try:
            listed = [(one, service) for one in engine.list_containers() if (service := read_service(one))]
            details = {str(one["Id"]): self._inspect(engine, str(one["Id"])) for one, _ in listed}
        finally:
            engine.close()
        self._details = {identity: detail for identity, detail in details.items() if detail}
        return [
            read_container(one, service, detail)
            for one, service in listed
            if (detail := self._details.get(str(one["Id"])))
        ]

    def _inspect(self, engine: Engine, identity: str) -> Detail | None:
        """The detail of a container; the one before when the engine holds it back, None when it is gone."""
        try:
            found = engine.inspect(identity)
        except EngineError:
            return self._details.get(identity)
        return read_detail(found) if found else None


def describe_containers(
    containers: list[Container], oom_kills: Mapping[str, int], exit_codes: Mapping[str, int]
) -> list[Metric]:
    """Containers as metric families; `oom_kills` and `exit_codes` by the engine's identity of a container."""
    state, health = telemetry.family(telemetry.CONTAINER_STATE), telemetry.family(telemetry.CONTAINER_HEALTH)
    restarts, kills = telemetry.family(telemetry.CONTAINER_RESTARTS), telemetry.family(telemetry.CONTAINER_OOM_KILLS)
    codes = telemetry.family(telemetry.CONTAINER_EXIT_CODE)
    for one in containers:
        labels = [one.name, one.service]
        for name in telemetry.CONTAINER_STATES:
            state.add_metric([*labels, name], float(name == one.state))
        for name in telemetry.CONTAINER_HEALTH_STATES if one.health else ():
            health.add_metric([*labels, name], float(name == one.health))
        restarts.add_metric(labels, one.restarts)
        kills.add_metric(labels, oom_kills.get(one.identity, 0))
        code = exit_codes.get(one.identity) if one.exit_code is None else one.exit_code
        if code is not None:
            codes.add_metric(labels, code)
    return [state, health, restarts, kills, codes]


def check_socket(path: str) -> str:
    """`path`, when it is a socket that this user may read and write. Raises ConfigError with what to do."""
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError as error:
        raise ConfigError(f"PALMONAS_DOCKER_SOCKET {path}: {error.strerror}; is the Docker engine running?") from error
    if not is_socket:
        raise ConfigError(f"PALMONAS_DOCKER_SOCKET {path} is no socket; the engine's is usually /var/run/docker.sock")
    if not os.access(path, os.R_OK | os.W_OK):
        raise ConfigError(
            f"PALMONAS_DOCKER_SOCKET {path} is not open to this user: run the exporter in the group that owns it "
            "(`group_add` in compose), or leave the setting out"
        )
    return path
