"""The stack's pieces one by one: ports, the supervisor's file, restart counts, logs, and what was left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from app.channels.clients import make_clients
from app.config import Config
from app.errors import UsageError
from stack.layout import PORT_OFFSETS, Layout, find_state, load_layout, plan_layout
from stack.logs import follow_logs, read_tail
from stack.monitoring import write_targets
from stack.processes import find_free_port, is_alive, wait_until
from stack.programs import SERVICE, Part, list_parts, open_servers, write_settings
from stack.restarts import read_counts
from stack.supervisor import Supervisor, render_supervisor


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = plan_layout(tmp_path / "s", "127.0.0.1", find_free_port(), {})
    (tmp_path / "s" / "logs").mkdir(parents=True)
    return made


@pytest.fixture
def supervisor(layout: Layout) -> Iterator[Supervisor]:
    running = Supervisor(layout)
    yield running
    running.stop()


def test_ports_stand_at_their_distance_and_move_aside_when_taken(tmp_path: Path) -> None:
    port = find_free_port()
    with socket.create_server(("127.0.0.1", port + PORT_OFFSETS["redis"])):
        planned = plan_layout(tmp_path, "127.0.0.1", port, {})
    assert planned.ports["redis"] != port + PORT_OFFSETS["redis"]
    assert len(set(planned.ports.values())) == len(PORT_OFFSETS)


def test_a_chosen_port_is_kept_or_refused(tmp_path: Path) -> None:
    free = find_free_port()
    assert plan_layout(tmp_path, "127.0.0.1", find_free_port(), {"redis": free}).ports["redis"] == free
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {number}, asked for redis, is taken"):
            plan_layout(tmp_path, "127.0.0.1", find_free_port(), {"redis": number})
    with pytest.raises(UsageError, match="there is no part 'mysql'"):
        plan_layout(tmp_path, "127.0.0.1", find_free_port(), {"mysql": 3306})


def test_a_layout_is_found_again_and_a_damaged_one_is_named(layout: Layout) -> None:
    assert find_state({"PALMONAS_STATE": str(layout.state)}) == layout.state
    assert load_layout(layout.state) is None
    layout.save()
    assert load_layout(layout.state) == layout
    (layout.state / "stack.json").write_text("{")
    with pytest.raises(UsageError, match=r"stack\.json is damaged"):
        load_layout(layout.state)


def read_settings(layout: Layout, *, demo: bool) -> dict[str, str]:
    for name in ("secrets", "postgresql", "redis"):
        (layout.state / name).mkdir(exist_ok=True)
    return write_settings(layout, open_servers(layout), demo=demo)


def test_a_demo_leads_every_channel_to_its_simulator_and_nowhere_else(layout: Layout) -> None:
    config = Config(read_settings(layout, demo=True))
    clients = make_clients(config)
    assert set(clients) == {"shopify", "woocommerce", "amazon", "standard"}
    assert config.outbound_allow == (f"127.0.0.1:{layout.ports['simulator']}",)
    again = Config(read_settings(layout, demo=True))
    assert again.get("SHOPIFY_API_TOKEN") == config.get("SHOPIFY_API_TOKEN")
    assert [path for path in layout.secrets.iterdir() if path.stat().st_mode & 0o077] == []


def test_without_a_demo_no_channel_has_an_api(layout: Layout) -> None:
    read_settings(layout, demo=True)
    settings = read_settings(layout, demo=False)
    assert make_clients(Config(settings)) == {}
    assert not [name for name in settings if "_API_" in name or "OUTBOUND" in name or "POLL" in name]
    servers = open_servers(layout)
    names = {demo: {part.name for part in list_parts(layout, servers, settings, demo=demo)} for demo in (True, False)}
    assert names[True] - names[False] == {"simulator"}


def test_supervisord_reads_back_what_was_meant(layout: Layout) -> None:
    part = Part("odd", ["/bin/echo", "100%", "a b"], SERVICE, {"ODD": "50%(x)s"}, stop_signal=signal.SIGUSR1)
    layout.supervisor_config.write_text(render_supervisor(layout, [part]))
    options = ServerOptions()
    options.realize(["-c", str(layout.supervisor_config)])
    (program,) = (one for group in options.process_group_configs for one in group.process_configs if one.name == "odd")
    assert program.command == "/bin/echo 100% 'a b'"
    assert program.environment == {"ODD": "50%(x)s"}
    assert program.stopsignal == signal.SIGUSR1
    assert not program.autostart


def test_a_process_that_fails_is_tried_again_and_counted(layout: Layout, supervisor: Supervisor) -> None:
    part = Part("short", [sys.executable, "-c", "raise SystemExit(3)"], SERVICE)
    supervisor.launch([part], dict(os.environ))
    supervisor.start(["short"])
    assert wait_until(lambda: read_counts(layout.restarts_file).get("short", 0) >= 2, 30)


def test_a_wanted_stop_is_not_counted(layout: Layout, supervisor: Supervisor) -> None:
    supervisor.launch([Part("long", ["sleep", "600"], SERVICE)], dict(os.environ))
    supervisor.start(["long"])
    assert wait_until(lambda: [one.state for one in supervisor.list_processes()] == ["RUNNING"], 10)
    assert supervisor.stop() == []
    assert read_counts(layout.restarts_file) == {}


def test_what_a_killed_supervisor_left_is_ended(layout: Layout, supervisor: Supervisor) -> None:
    supervisor.launch([Part("orphan", ["sleep", "600"], SERVICE)], dict(os.environ))
    supervisor.start(["orphan"])
    assert wait_until(lambda: supervisor.list_processes()[0].pid != 0, 10)
    orphan = supervisor.list_processes()[0].pid
    daemon = supervisor.read_pid()
    assert daemon
    os.kill(daemon, signal.SIGKILL)
    assert wait_until(lambda: supervisor.read_pid() is None, 10)
    assert is_alive(orphan)
    assert orphan in supervisor.kill_leftovers()
    assert not is_alive(orphan)


def test_logs_are_followed_across_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_text("first\nsecond\n")
    assert read_tail(log, 1) == ["second"]
    assert read_tail(log, 0) == []
    lines = follow_logs([log])
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(log)],
    )
    assert [next(lines)[1] for _ in range(2)] == ["third", "after rotation"]
    assert writer.wait(10) == 0


_WRITER = """
import os, pathlib, sys, time
path = pathlib.Path(sys.argv[1])
time.sleep(0.3)
with path.open("a") as file:
    file.write("third\\n")
time.sleep(1)
os.rename(path, path.with_suffix(".1"))
path.write_text("after rotation\\n")
"""


def test_targets_name_processes_and_lose_those_that_are_gone(layout: Layout) -> None:
    write_targets(layout, [("api", "api-1", "http://127.0.0.1:4011/readyz", {"role": "accept"})])
    path = layout.state / "prometheus" / "targets" / "api.json"
    wanted = [{"targets": ["127.0.0.1:4011"], "labels": {"instance": "api-1", "role": "accept"}}]
    assert json.loads(path.read_text()) == wanted
    write_targets(layout, [])
    assert json.loads(path.read_text()) == []


def test_wait_until_keeps_its_deadline() -> None:
    started = time.monotonic()
    assert not wait_until(lambda: False, 0.2)
    assert time.monotonic() - started < 2
