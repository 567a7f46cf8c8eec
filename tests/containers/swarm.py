"""Palmonas on a swarm of one node: the tests' engine, as deploy/swarm brings it there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import UsageError
from stack.processes import find_free_port, wait_until
from tests.containers.engine import ROOT, Engine, run

STACK = "palmonas"
IMAGES = {
    "PALMONAS_IMAGE": "palmonas-test/service",
    "HAPROXY_IMAGE": "palmonas-test/haproxy",
    "POSTGRES_IMAGE": "palmonas-test/postgres",
    "REDIS_IMAGE": "palmonas-test/redis",
}
DEADLINE_S = 300.0
COMMAND_DEADLINE_S = 600.0
ONCE = "migrate"


@dataclass
class Swarm:
    """The service on a swarm, for those who use it as a `Stack` of compose."""

    engine: Engine
    ports: dict[str, int] = field(default_factory=lambda: {"PORT": find_free_port()})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['PORT']}"

    def deploy(self, **environment: str) -> None:
        """deploy/swarm/deploy. Raises UsageError with what it said when it fails."""
        docker = str(Path(self.engine.docker).parent)  # the script calls `docker`
        path = f"{docker}:{self.engine.environment['PATH']}"
        own = {"PATH": path, "PALMONAS_PORT": str(self.ports["PORT"]), **IMAGES, **environment}
        command = [str(ROOT / "deploy" / "swarm" / "deploy"), STACK]
        run(command, {**self.engine.environment, **own}, deadline_s=DEADLINE_S)

    def service(self, *arguments: str) -> str:
        """`docker service ...`, until the services have become what it asks for."""
        return self.engine.run("service", *arguments, deadline_s=COMMAND_DEADLINE_S).stdout

    def list_containers(self, service: str) -> list[str]:
        label = f"label=com.docker.swarm.service.name={STACK}_{service}"
        return self.engine.run("ps", "--quiet", "--filter", label, "--filter", "health=healthy").stdout.split()

    def execute(self, service: str, *command: str, deadline_s: float = 60.0) -> str:
        """What `command` prints in a healthy container of `service`."""
        container = self.list_containers(service)[0]
        return self.engine.run("exec", container, *command, deadline_s=deadline_s).stdout

    def read_secret(self, name: str) -> str:
        """A secret of the service, such as shopify_secrets; `admin.token` is a new token of that role."""
        if name == "admin.token":
            name = f"test-{time.time_ns()}"
            told = self.execute("api-console", "palmonas", "token", "create", "--name", name, "--role", "admin")
            return told.split()[-1]
        return self.execute("api-console", "cat", f"/run/secrets/{name}").strip()

    def is_updated(self, service: str) -> bool:
        """Whether its last update is through. Raises UsageError when it was broken off, or taken back."""
        told = "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}"
        state = self.service("inspect", "--format", told, f"{STACK}_{service}").strip()
        if state not in {"", "updating", "completed"}:
            raise UsageError(f"the update of {service} ended as {state}")
        return state == "completed"

    def find_missing(self) -> dict[str, str]:
        """Services that have fewer tasks than they are to have, with what they have (`1/2`)."""
        lines = self.service("ls", "--format", "{{.Name}} {{.Replicas}}").splitlines()
        found = {line.split()[0].removeprefix(f"{STACK}_"): line.split()[1] for line in lines}
        found.pop(ONCE, None)
        return {name: count for name, count in found.items() if len(set(count.split("/"))) > 1}

    def is_complete(self) -> bool:
        return not self.find_missing()


@contextmanager
def open_swarm(engine: Engine) -> Iterator[Swarm]:
    """A swarm of this engine alone with the stack on it; nothing of it is left at the end."""
    engine.run("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", f"127.0.0.1:{find_free_port()}")
    swarm = Swarm(engine)
    try:
        node = engine.run("info", "--format", "{{.Swarm.NodeID}}").stdout.strip()
        engine.run("node", "update", "--label-add", "palmonas.data=1", node)
        swarm.deploy()
        yield swarm
    finally:
        engine.run("stack", "rm", STACK, check=False, deadline_s=DEADLINE_S)
        wait_until(lambda: not _list_left(engine), DEADLINE_S, pause_s=1)
        engine.run("swarm", "leave", "--force", deadline_s=DEADLINE_S)
        engine.run("volume", "rm", "--force", f"{STACK}_postgres-data", check=False)


def _list_left(engine: Engine) -> str:
    label = f"label=com.docker.stack.namespace={STACK}"
    try:
        return engine.run("ps", "--all", "--quiet", "--filter", label).stdout
    except subprocess.TimeoutExpired:
        return "unknown"
