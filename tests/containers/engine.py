"""A Docker engine: the one that DOCKER_HOST names, else one of our own for the time of the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.errors import UsageError
from stack.processes import is_alive, wait_until

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "containers"  # compose, by `make test-containers`
BASES = Path(__file__).parent / "bases" / "make-bases"
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 60.0
BASES_DEADLINE_S = 1800.0
SHARES = 256  # of the CPU, a quarter of what processes outside of containers have: others work on this machine
CPU_GROUP = Path("/sys/fs/cgroup/cpu/docker/cpu.shares")


@dataclass(frozen=True)
class Engine:
    """`docker` is Debian's program, whose own builder needs no plugin; another one may stand before it on the path."""

    address: str
    docker: str

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": self.address, "DOCKER_BUILDKIT": "1"}

    def run(self, *arguments: str, deadline_s: float = 120.0, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One docker command. Raises UsageError with what it said when it fails."""
        return run([self.docker, *arguments], self.environment, deadline_s=deadline_s, check=check)

    def find_data(self) -> str:
        """Where the engine keeps containers and volumes."""
        return self.run("info", "--format", "{{.DockerRootDir}}").stdout.strip()

    def has_image(self, name: str) -> bool:
        return self.run("image", "inspect", name, check=False).returncode == 0

    def make_bases(self) -> None:
        """The stand-ins for official images, once."""
        if not all(self.has_image(f"palmonas-test/{name}") for name in ("python", "node", "holder", "cadvisor")):
            run([str(BASES)], {**self.environment, "DOCKER": self.docker}, deadline_s=BASES_DEADLINE_S)


def run(
    command: Sequence[str],
    environment: dict[str, str],
    *,
    deadline_s: float,
    check: bool = True,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )
    if check and done.returncode != 0:
        raise UsageError(f"{' '.join(command)} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-3000:]}")
    return done


def find_docker() -> str:
    docker = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else shutil.which("docker")
    if docker is None:
        raise UsageError("docker was not found; on Debian: apt-get install docker.io")
    return docker


@contextmanager
def open_engine(data: Path = Path("/var/tmp/palmonas-docker")) -> Iterator[Engine]:  # noqa: S108 - gigabytes, kept for the next run
    """The engine of DOCKER_HOST, else a private one that keeps its images in `data` and ends with the block."""
    docker = find_docker()
    if address := os.environ.get("DOCKER_HOST"):
        engine = Engine(address, docker)
        engine.run("version", deadline_s=START_DEADLINE_S)
        yield engine
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise UsageError("a Docker engine of our own needs root and dockerd; or let DOCKER_HOST name one that runs")
    data.mkdir(parents=True, exist_ok=True)
    engine = Engine(f"unix://{data / 'docker.sock'}", docker)
    command = ["dockerd", "--data-root", data / "data", "--exec-root", data / "exec", "-H", engine.address]
    command += ["-p", data / "dockerd.pid", "--log-level", "warn"]
    with (data / "dockerd.log").open("w") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        if not wait_until(lambda: engine.run("version", check=False).returncode == 0, START_DEADLINE_S, pause_s=0.2):
            raise UsageError(f"dockerd did not start; see {data / 'dockerd.log'}")
        if CPU_GROUP.exists():
            CPU_GROUP.write_text(f"{SHARES}\n", encoding="ascii")
        yield engine
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
        assert not is_alive(daemon.pid) or daemon.poll() is not None
