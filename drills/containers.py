"""Containers for a drill to break, on a Docker engine of its own, watched by the drill's exporter and by a cAdvisor.

`DOCKER_HOST` names the engine (unix://...), PALMONAS_DRILL_IMAGE an image with bash, PALMONAS_CADVISOR_IMAGE that of
cAdvisor. The engine must run nothing else: whatever is ill there would be told, too. It needs no network to the
outside: `dockerd --bridge=none --iptables=false` will do.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from app.errors import UsageError
from drills.alerts import ALWAYS
from drills.stand import Report, Stand
from stack.monitoring import fetch_targets
from stack.processes import find_free_port, wait_until

DEADLINE_S = 60.0  # of one command: on a busy machine a container takes ten seconds to start
READY_DEADLINE_S = 90.0
SOCKET = "PALMONAS_DOCKER_SOCKET"
IMAGE = "PALMONAS_DRILL_IMAGE", "palmonas-test/debian"
CADVISOR_IMAGE = "PALMONAS_CADVISOR_IMAGE", "palmonas-test/cadvisor"
PREFIX, NETWORK, FLAGS = "drill-", "drill", "/flags"
KEPT_LABELS = "com.docker.compose.project,com.docker.compose.service"
# What tells of containers, and what that needs. The rest of the stack would only take CPU from the engine beside it.
KEPT_PARTS = ("postgresql", "redis", "exporter", "prometheus", "alertmanager")
KEPT_JOBS = ("palmonas-exporter", "prometheus", "alertmanager", "cadvisor")
# Healthy while it has a network and nobody says otherwise; it notes the pid of what it runs.
CHECK = f"test ! -e {FLAGS}/ill && ls -d /sys/class/net/eth*"  # connected again it has an eth1
WAIT = f"echo $$ > /tmp/main; if test -e {FLAGS}/broken; then sleep 0.2; exit 1; fi; exec sleep 1000000"
LIMITS = ("--cpus=0.2", "--memory=64m", "--memory-swap=64m", "--shm-size=64m", "--pids-limit=50")


def docker(*arguments: str, deadline_s: float = DEADLINE_S) -> str:
    """What `docker` prints. Raises UsageError with its last line when it fails or takes longer than `deadline_s`."""
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=deadline_s, check=False)
    except FileNotFoundError:
        raise UsageError("container drills need docker: apt-get install docker.io") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"docker {arguments[0]} took more than {deadline_s:.0f} s") from None
    if done.returncode:
        raise UsageError(f"docker {arguments[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout.strip()


def find_engine() -> Path:
    """The socket of the engine to drill. Raises UsageError when there is none, or it runs something."""
    host = os.environ.get("DOCKER_HOST", "")
    if not host.startswith("unix://"):
        raise UsageError("container drills need a Docker engine of their own: set DOCKER_HOST=unix://SOCKET")
    if found := docker("ps", "--all", "--format", "{{.Names}}").split():
        raise UsageError(f"the engine at {host} has containers ({', '.join(found[:3])}): it must be the drills' own")
    for name, default in (IMAGE, CADVISOR_IMAGE):
        image = os.environ.get(name, default)
        if not docker("images", "--quiet", image):
            raise UsageError(
                f"the engine at {host} has no image {image}: make it (tests/containers/bases) or set {name}"
            )
    return Path(host.removeprefix("unix://"))


@contextmanager
def offer_engine() -> Iterator[None]:
    """While it is entered, a stack that starts is given the engine's socket."""
    before = os.environ.get(SOCKET)
    os.environ[SOCKET] = str(find_engine())
    try:
        yield
    finally:
        os.environ.pop(SOCKET)
        if before is not None:
            os.environ[SOCKET] = before


def run(service: str, number: int = 1, *options: str, command: str = WAIT) -> None:
    """Start a container `drill-<service>-<number>` as compose would call and label it."""
    docker(
        *("run", "--detach", "--init", "--name", f"{PREFIX}{service}-{number}"),
        *("--label", "com.docker.compose.project=drill", "--label", f"com.docker.compose.service={service}"),
        *(options or (*LIMITS, "--restart=always", f"--network={NETWORK}")),
        *(os.environ.get(*IMAGE), "bash", "-c", command),
    )


def execute(container: str, command: str) -> None:
    """Run a command in a container, and do not wait for its end."""
    docker("exec", "--detach", PREFIX + container, "bash", "-c", command)


@contextmanager
def run_containers(stand: Stand, report: Report) -> Iterator[None]:
    """Healthy containers and a cAdvisor beside what is needed of the stand, removed at the end.

    Of the rules those of area `containers` are left, and Watchdog: the others would miss the parts that rest.

    Service `web` has two, `db` and `loop` have one. `flags_of(stand)` is a directory that all see as /flags.
    """
    report("starting containers")
    try:
        stand.rest(KEPT_PARTS, KEPT_JOBS)
        _keep_rules(stand)
        docker("network", "create", NETWORK)
        flags_of(stand).mkdir()
        mount = f"--volume={flags_of(stand)}:{FLAGS}:ro"
        usual = (*LIMITS, "--restart=always", f"--network={NETWORK}", mount)
        check = ("--health-cmd", CHECK, "--health-interval=1s", "--health-retries=3", "--health-timeout=10s")
        for service, number in (("web", 1), ("web", 2)):
            run(service, number, *usual, *check)
        run("db", 1, *usual)
        run("loop", 1, *usual)
        _run_cadvisor(stand)
        yield
    finally:
        _remove_all()


def _keep_rules(stand: Stand) -> None:
    folder = stand.layout.state / "prometheus"
    for path in (*folder.glob("rules/*.yml"), *folder.glob("alerts/*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in document["groups"]:
            if path.stem != "containers":
                group["rules"] = [rule for rule in group["rules"] if rule.get("alert") == ALWAYS]
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    stand.reload("prometheus")


def flags_of(stand: Stand) -> Path:
    return stand.layout.state / "flags"


def _run_cadvisor(stand: Stand) -> None:
    port, socket = find_free_port(), os.environ[SOCKET]
    root = docker("info", "--format", "{{.DockerRootDir}}")
    docker(
        *("run", "--detach", "--name", f"{PREFIX}cadvisor", "--network=host"),
        *("--volume=/:/rootfs:ro", "--volume=/sys:/sys:ro", f"--volume={root}:{root}:ro"),
        f"--volume={socket}:/var/run/docker.sock:ro",
        os.environ.get(*CADVISOR_IMAGE),
        *("--listen_ip=127.0.0.1", f"--port={port}", "--docker_only=true", "--housekeeping_interval=2s"),
        *("--store_container_labels=false", f"--whitelisted_container_labels={KEPT_LABELS}"),
    )
    targets = [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": "cadvisor"}}]
    (stand.layout.state / "prometheus/targets/cadvisor.json").write_text(json.dumps(targets), encoding="utf-8")
    if not wait_until(lambda: (fetch_targets(stand.layout) or {}).get("cadvisor") == "up", READY_DEADLINE_S, pause_s=1):
        raise UsageError("cAdvisor does not answer: docker logs drill-cadvisor")


def _remove_all() -> None:
    if found := docker("ps", "--all", "--quiet", "--filter", f"name=^{PREFIX}").split():
        docker("rm", "--force", *found, deadline_s=2 * DEADLINE_S)
    docker("network", "prune", "--force")
