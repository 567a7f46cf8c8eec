"""A private copy of the stack to break: free ports, a temporary directory, rules on a quicker clock, load."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from psycopg2.extensions import connection

from app.errors import UsageError
from drills.alerts import ALWAYS, read_key
from drills.load import run_load
from drills.monitoring import place_configuration
from drills.receiver import Receiver
from stack.health import read_health
from stack.layout import Layout, load_layout
from stack.lifecycle import Wish, start_stack, stop_stack
from stack.monitoring import fetch_alerts, fetch_targets
from stack.pages import open_session
from stack.processes import find_free_port, list_descendants, signal_all, wait_until
from stack.programs import Servers, open_servers
from stack.servers import connect_for
from stack.simulated import Control, find_simulator
from stack.supervisor import Supervisor

DEFAULT_FACTOR = 10.0
HEALTHY_DEADLINE_S = 60.0
CONNECT_DEADLINE_S = 10.0

Report = Callable[[str], None]


class Stand:
    """The stack under drill. What a fault leaves to be undone is on `undo`; it is undone at the end at the latest."""

    def __init__(self, layout: Layout, receiver: Receiver, factor: float) -> None:
        self.layout = layout
        self.receiver = receiver
        self.factor = factor
        self.undo = ExitStack()
        self.servers: Servers = open_servers(layout)
        self.supervisor = Supervisor(layout)
        self.load_pid: int | None = None
        self._frozen: set[int] = set()
        self._resting: set[str] = set()

    def stretch(self, seconds: float) -> float:
        """Seconds of the default factor's clock on this stand's clock."""
        return seconds * DEFAULT_FACTOR / self.factor

    # --- processes ---------------------------------------------------------------------------------------------
    def list_family(self, name: str) -> list[int]:
        """The process of part `name` and all it started. Raises UsageError when it does not run."""
        for process in self.supervisor.list_processes():
            if process.name == name and process.pid:
                return [process.pid, *list_descendants(process.pid)]
        raise UsageError(f"{name} is not running on the drill's stack")

    def kill(self, *names: str) -> None:
        """SIGKILL to each part and all it started; the supervisor is told not to start it again."""
        for name in names:
            signal_all(self.list_family(name), signal.SIGKILL)
        for name in names:
            self.supervisor.halt(name)

    def stop(self, *names: str) -> None:
        """Stop each part in order, and leave it stopped."""
        for name in names:
            self.supervisor.halt(name)

    def start(self, *names: str) -> None:
        self.supervisor.start(names)

    def rest(self, kept: Sequence[str], jobs: Sequence[str]) -> None:
        """Do without all parts but those `kept`, and scrape only `jobs`: for faults to which the others add nothing."""
        resting = [one.name for one in self.supervisor.list_processes() if one.name not in kept]
        self._resting.update(resting)
        self.stop(*resting)
        for path in (self.layout.state / "prometheus/targets").glob("*.json"):
            if path.stem not in jobs:
                path.write_text("[]", encoding="utf-8")

    def freeze(self, *names: str) -> None:
        """SIGSTOP to each part and all it started: connections stay open and nothing answers."""
        for name in names:
            family = self.list_family(name)
            self._frozen.update(family)
            signal_all(family, signal.SIGSTOP)

    def freeze_load(self) -> None:
        """SIGSTOP to those who send: nothing more comes in. Raises UsageError on a stand without load."""
        if self.load_pid is None:
            raise UsageError("this drill needs a stack under load")
        self._frozen.add(self.load_pid)
        signal_all([self.load_pid], signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to everything frozen."""
        signal_all(sorted(self._frozen), signal.SIGCONT)
        self._frozen.clear()

    # --- servers -----------------------------------------------------------------------------------------------
    def connect(self, *, admin: bool = False) -> connection:
        """A PostgreSQL session in autocommit, to the service's database; closed when the drill's undo is."""
        postgres = self.servers.postgres
        url = postgres.make_url(postgres.database, "postgres") if admin else postgres.url
        session: connection = connect_for(CONNECT_DEADLINE_S, url)
        session.autocommit = True
        self.undo.callback(session.close)
        return session

    def cancel_at_undo(self, session: connection) -> None:
        """End what `session` is at when the drill is undone, before its thread is waited for."""

        pid = session.info.backend_pid
        self.undo.callback(lambda: self.run_sql(f"SELECT pg_terminate_backend({pid})"))

    def run_sql(self, statement: str) -> None:
        """One statement as the server's administrator, committed at once."""
        self.connect(admin=True).cursor().execute(statement)

    def reload(self, name: str) -> None:
        """Ask Prometheus or Alertmanager to read its configuration; whether it takes it is not our question."""
        with open_session() as session:
            session.post(f"http://127.0.0.1:{self.layout.ports[name]}/-/reload", timeout=CONNECT_DEADLINE_S)

    def connect_redis(self) -> redis.Redis:
        """A Redis client of its own; closed when the drill's undo is."""
        client = redis.Redis.from_url(self.servers.redis.url, socket_timeout=5, socket_connect_timeout=5)
        self.undo.callback(client.close)
        return client

    def open_simulator(self) -> Control:
        """The control API of the simulated sales channels."""
        return Control(find_simulator(self.layout), self.layout.secrets)

    # --- quiet -------------------------------------------------------------------------------------------------
    def forget(self) -> list[str]:
        """Prometheus and Alertmanager start with nothing remembered: no window reaches into the drill before.

        Returns what is not well a minute later.
        """
        self.stop("prometheus", "alertmanager")
        for name in ("prometheus", "alertmanager"):
            shutil.rmtree(self.layout.state / name / "data", ignore_errors=True)
        self.receiver.clear()
        self.start("alertmanager", "prometheus")
        wait_until(lambda: not self.list_ill(), HEALTHY_DEADLINE_S, pause_s=0.2)
        return self.list_ill()

    def list_ill(self) -> list[str]:
        """Parts that do not answer, targets that are not scraped, and more that is wrong, a few words for each."""
        parts = [one for one in read_health(self.layout, self.servers) if one.name not in self._resting]
        targets = fetch_targets(self.layout) or {"prometheus": "does not answer"}
        wrong = [f"{one.name} {one.health}" for one in parts if not one.is_ok]
        return wrong + [f"target {name} {health}" for name, health in targets.items() if health != "up"]

    def list_alerts(self) -> list[str] | None:
        """Names of the alerts that are pending or fire, without Watchdog and what is ambient.

        None when Prometheus does not answer.
        """
        alerts = fetch_alerts(self.layout)
        if alerts is None:
            return None
        keys = {read_key(one["labels"]) for one in alerts}
        return sorted({key.name for key in keys if key.name != ALWAYS and not key.ambient})

    def wait_silent(self, silent_s: float, deadline_s: float) -> list[str]:
        """Wait until nothing but Watchdog was pending or fired for `silent_s` seconds, and Watchdog was notified.

        Returns what is not so after `deadline_s` seconds.
        """
        since: float | None = None
        end = time.monotonic() + deadline_s
        while True:
            alerts = self.list_alerts()
            now = time.monotonic()
            if alerts or alerts is None or self.receiver.last_watchdog() is None:
                since = None
            elif since is None:
                since = now
            if since is not None and now - since >= silent_s:
                return []
            if now >= end:
                return alerts or ["Watchdog was not notified"]
            time.sleep(0.2)


@contextmanager
def open_stand(factor: float, report: Report, *, scale: bool = False, load: bool = True) -> Iterator[Stand]:
    """Start a private stack with load, and stop all of it at the end. Raises UsageError when it does not start."""
    directory = Path(tempfile.mkdtemp(prefix="palmonas-drill-"))
    directory.chmod(0o711)
    state = directory / "state"
    try:
        with ExitStack() as stack, Receiver() as receiver:
            stack.callback(_stop, state)
            report("starting a private stack")
            wish = Wish(state, "127.0.0.1", find_free_port(), demo=True, scale=scale)
            stand = Stand(start_stack(wish, report), receiver, factor)
            stack.callback(stand.thaw)
            stack.callback(stand.undo.close)
            place_configuration(stand.layout, factor, receiver.url)
            if load:
                stand.load_pid = stack.enter_context(run_load(stand.layout)).pid
            yield stand
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _stop(state: Path) -> None:
    if layout := load_layout(state):
        stop_stack(layout)
