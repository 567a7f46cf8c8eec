"""What a stack runs: each process with its command, environment, stage of the start, and health page."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.config import QUEUES
from stack.binaries import find_program
from stack.channel_secrets import WEBHOOK_SECRETS, make_secret
from stack.console import CONSOLE
from stack.frontdoor import write_haproxy
from stack.layout import Layout
from stack.monitoring import SOURCE, write_alertmanager, write_prometheus
from stack.preview import PREVIEW
from stack.processes import find_server_user
from stack.replica import PostgresReplica
from stack.scale import SCALED, USUAL, Size
from stack.sentinel import MASTER, SENTINELS, KeptRedis, RedisSentinel
from stack.server import Server
from stack.servers import PostgresServer, RedisServer
from stack.simulated import API_SECRETS, SIMULATOR, find_simulator, list_api_settings

# Stages of the start; the stop goes the other way.
SERVERS, REPLICAS, SERVICE, FRONT, MONITORING = 100, 150, 300, 400, 500

DEMO_POLL_INTERVAL_S = 5  # Amazon's orders come by poll alone, and somebody is watching
LEAVE_S = 3  # HAProxy looks once a second, and believes the second failure
DEMO_SPEED = 100  # Amazon's real usage plan allows one list of orders a minute

MISSING_PARTS = {
    "haproxy": "requests go straight to one API process; for several behind HAProxy: apt-get install haproxy",
    "prometheus": "no metrics history, rules and alerts; for them: apt-get install prometheus",
    "alertmanager": "alerts are not delivered; for that: apt-get install prometheus-alertmanager",
    "node-exporter": "no metrics of the machine; for them: apt-get install prometheus-node-exporter",
    "postgres-exporter": "no metrics of PostgreSQL; for them: apt-get install prometheus-postgres-exporter",
    "redis-exporter": "no metrics of Redis; for them: apt-get install prometheus-redis-exporter",
    "process-exporter": "no metrics by group of processes; for them: apt-get install prometheus-process-exporter",
    "blackbox-exporter": "nobody asks from outside; for that: apt-get install prometheus-blackbox-exporter",
}


@dataclass(frozen=True)
class Part:
    """One supervised process. `page` answers 200 when it works; None for the two servers."""

    name: str
    command: list[str]
    stage: int
    environment: dict[str, str] = field(default_factory=dict)
    page: str | None = None
    job: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_wait_s: int = 15


@dataclass(frozen=True)
class Servers:
    """`replica` and `sentinels` (with the second Redis that they need) are there on a scaled stack."""

    postgres: PostgresServer
    redis: RedisServer
    replica: PostgresReplica | None = None
    spare: RedisServer | None = None
    sentinels: Sequence[RedisSentinel] = ()

    @property
    def followers(self) -> list[Server]:
        """What starts when the first two are up."""
        return [one for one in (self.replica, self.spare, *self.sentinels) if one]

    @property
    def all(self) -> list[Server]:
        return [self.postgres, self.redis, *self.followers]


def find_executable(part: str) -> Path | None:
    """The program of an optional part, under the name Debian or its makers give it."""
    names = {"alertmanager": ("prometheus-alertmanager", "alertmanager"), "haproxy": ("haproxy",)}
    return find_program(*names.get(part, (f"prometheus-{part}", part.replace("-", "_"), part)))


def find_missing_parts() -> list[str]:
    return [part for part in MISSING_PARTS if find_executable(part) is None]


def open_servers(layout: Layout) -> Servers:
    """The stack's servers (not started here: the supervisor does that)."""
    state, ports = layout.state, layout.ports
    postgres = PostgresServer(state / "postgresql", ports["postgresql"])
    if not layout.scale:
        return Servers(postgres, RedisServer(state / "redis", ports["redis"]))
    master = KeptRedis(state / "redis", ports["redis"])
    return Servers(
        postgres,
        master,
        PostgresReplica(state / "postgresql-replica", postgres, ports["postgresql-replica"]),
        KeptRedis(state / "redis-replica", ports["redis-replica"], follows=master),
        [
            RedisSentinel(state / f"sentinel-{number}", master, number, ports[f"sentinel-{number}"])
            for number in range(1, SENTINELS + 1)
        ],
    )


def find_size(layout: Layout) -> Size:
    return SCALED if layout.scale else USUAL


def write_settings(layout: Layout, servers: Servers, *, demo: bool = False) -> dict[str, str]:
    """The service's settings: every secret in a file of mode 0600, and with `demo` the way to the simulator."""
    made = (*WEBHOOK_SECRETS, *API_SECRETS) if demo else WEBHOOK_SECRETS
    environment = {f"PALMONAS_{name}_FILE": str(_keep_secret(layout, name)) for name in made}
    urls = {"DATABASE_URL": servers.postgres.url, "REDIS_URL": servers.redis.url}
    if servers.replica:
        urls["DATABASE_REPLICA_URL"] = servers.replica.url
    if layout.scale:
        environment["PALMONAS_LEAVE_S"] = str(LEAVE_S)
    if servers.sentinels:
        places = " ".join(f"127.0.0.1:{one.port}" for one in servers.sentinels)
        environment |= {"PALMONAS_REDIS_SENTINELS": places, "PALMONAS_REDIS_SENTINEL_MASTER": MASTER}
    for name, url in urls.items():
        path = layout.secrets / name.lower()
        write_private(path, url)
        environment[f"PALMONAS_{name}_FILE"] = str(path)
    for name in ("prometheus", "alertmanager"):
        if find_executable(name):
            environment[f"PALMONAS_{name.upper()}_URL"] = f"http://127.0.0.1:{layout.ports[name]}"
    if CONSOLE.find(layout).exists():
        environment["PALMONAS_CONSOLE_DIR"] = str(CONSOLE.find(layout))
    if PREVIEW.find(layout).exists() and find_executable("prometheus"):
        environment["PALMONAS_PREVIEW_DIR"] = str(PREVIEW.find(layout))
    if demo:
        settings = {**list_api_settings(find_simulator(layout)), "POLL_INTERVAL_S": str(DEMO_POLL_INTERVAL_S)}
        environment |= {f"PALMONAS_{name}": value for name, value in settings.items()}
    return environment


def _keep_secret(layout: Layout, name: str) -> Path:
    """The file of a secret, made on first use."""
    path = layout.secrets / name.lower()
    if not path.exists():
        write_private(path, make_secret(name))
    return path


def list_parts(
    layout: Layout, servers: Servers, settings: dict[str, str], *, api: bool = True, demo: bool = False
) -> list[Part]:
    """Everything this stack runs. `api=False` leaves API and HAProxy out: `palmonas dev` has its own."""
    parts = [_serve(servers.postgres, wait_s=30), _serve(servers.redis, wait_s=10)]
    parts += [_serve(one, wait_s=30, stage=REPLICAS) for one in servers.followers]
    parts += _list_exporters(layout, servers)
    if api:
        parts += _list_api(layout, settings)
    parts += [
        *(
            _run(name, ["worker", "--queue", queue], "palmonas-worker", layout, settings)
            for queue in QUEUES
            for name in find_size(layout).name_workers(queue)
        ),
        _run("dispatcher", ["dispatcher"], "palmonas-dispatcher", layout, settings),
        _run("exporter", ["exporter"], "palmonas-exporter", layout, settings),
    ]
    if demo:
        parts.append(_make_simulator(layout))
    return parts + _list_monitoring(layout)


def _serve(server: Server, wait_s: int, stage: int = SERVERS) -> Part:
    user = find_server_user()
    return Part(
        server.name,
        server.command(),
        stage,
        user=user.pw_name if user else None,
        stop_signal=server.stop_signal,
        stop_wait_s=wait_s,
    )


def _run(name: str, arguments: list[str], job: str, layout: Layout, settings: dict[str, str]) -> Part:
    metrics = layout.ports[f"{name}-metrics"]
    return Part(
        name,
        [*palmonas_command(), *arguments],
        SERVICE,
        {
            **settings,
            "PALMONAS_INSTANCE": name,
            "PALMONAS_METRICS_PORT": str(metrics),
            "PALMONAS_RESTARTS_FILE": str(layout.restarts_file),
        },
        page=f"http://127.0.0.1:{metrics}/readyz",
        job=job,
    )


def _make_simulator(layout: Layout) -> Part:
    command = [*palmonas_command(), "simulate", "--port", str(layout.ports[SIMULATOR]), "--target", layout.base_url]
    options = ["--secrets", str(layout.secrets), "--speed", str(DEMO_SPEED)]
    return Part(SIMULATOR, [*command, *options], SERVICE, page=f"{find_simulator(layout)}/healthz")


def palmonas_command() -> list[str]:
    """Our own command, from the environment that runs now."""
    return [str(Path(sys.prefix) / "bin" / "palmonas")]


def _list_api(layout: Layout, settings: dict[str, str]) -> list[Part]:
    haproxy = find_executable("haproxy")
    if haproxy is None:
        return [make_api_part(layout, settings)]
    size = find_size(layout)
    accept, console = size.accept_names, size.console_names
    path = write_haproxy(layout, accept, console)
    parts = [
        _run_api(name, role, ("127.0.0.1", layout.ports[name]), layout, settings)
        for role, names in (("accept", accept), ("console", console))
        for name in names
    ]
    page = f"http://127.0.0.1:{layout.ports['haproxy-stats']}/metrics"
    # SIGUSR1: take nothing new, finish what is in flight (10 s at most, hard-stop-after).
    haproxy_part = Part(
        "haproxy",
        [str(haproxy), "-db", "-f", str(path)],
        FRONT,
        page=page,
        job="haproxy",
        stop_signal=signal.SIGUSR1,
    )
    return [*parts, haproxy_part]


def make_api_part(layout: Layout, settings: dict[str, str]) -> Part:
    """One API process with both roles on the front door's own port: where there is no HAProxy."""
    return _run_api("api-console-1", "accept console", (layout.host, layout.port), layout, settings)


def _run_api(name: str, roles: str, address: tuple[str, int], layout: Layout, settings: dict[str, str]) -> Part:
    host, port = address
    own = {"PALMONAS_ROLES": roles, "PALMONAS_LISTEN_HOST": host, "PALMONAS_PORT": str(port)}
    part = _run(name, ["api"], "palmonas-api", layout, {**settings, **own})
    part.labels["role"] = "both" if " " in roles else roles
    return part


def _list_exporters(layout: Layout, servers: Servers) -> list[Part]:
    parts = []
    for name, job in (
        ("node-exporter", "node"),
        ("postgres-exporter", "postgresql"),
        ("redis-exporter", "redis"),
        ("redis-replica-exporter", "redis-replica"),
        ("process-exporter", "process"),
        ("blackbox-exporter", "blackbox"),
    ):
        program = find_executable(name.replace("-replica", ""))
        if program is None or (job == "redis-replica" and servers.spare is None):
            continue
        address = f"127.0.0.1:{layout.ports[name]}"
        command, environment = [str(program), f"--web.listen-address={address}"], {}
        if name == "node-exporter":
            # Debian's default; it needs a message bus, which containers do not have.
            command.append("--no-collector.systemd")
        if name == "postgres-exporter":
            postgres = servers.postgres
            _ = postgres.monitor_url  # makes the password file
            command.append(f"--extend.query-path={SOURCE / 'postgres-queries.yml'}")
            environment = {
                "DATA_SOURCE_URI": f"127.0.0.1:{postgres.port}/{postgres.database}?sslmode=disable",
                "DATA_SOURCE_USER": "palmonas_monitor",
                "DATA_SOURCE_PASS_FILE": str(postgres.directory / "palmonas_monitor.password"),
            }
        if watched := {"redis": servers.redis, "redis-replica": servers.spare}.get(job):
            url = f"redis://127.0.0.1:{watched.port}"
            passwords = layout.secrets / f"{name}.json"
            write_private(passwords, json.dumps({url: watched.password}))
            command += [f"--redis.addr={url}", f"--redis.password-file={passwords}"]
        if name == "process-exporter":
            command += [f"--config.path={SOURCE / 'process.yml'}", "--children=false", "--threads=false"]
            command.append("--gather-smaps=false")  # it reads every page table of every process at every scrape
        labels = {}
        if name == "blackbox-exporter":
            command.append(f"--config.file={SOURCE / 'blackbox.yml'}")
            labels = {"instance": "front-door", "__param_target": f"{layout.base_url}/livez"}
        # Its metrics take a look at every process; whether it runs, its first page tells.
        page = f"http://{address}/" if name == "process-exporter" else f"http://{address}/metrics"
        parts.append(Part(name, command, MONITORING, environment, page=page, job=job, labels=labels))
    return parts


def _list_monitoring(layout: Layout) -> list[Part]:
    parts = []
    for name, write in (("prometheus", write_prometheus), ("alertmanager", write_alertmanager)):
        if program := find_executable(name):
            page = f"http://127.0.0.1:{layout.ports[name]}/-/ready"
            parts.append(Part(name, [str(program), *write(layout)], MONITORING, page=page, job=name))
    return parts


def write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="ascii")
