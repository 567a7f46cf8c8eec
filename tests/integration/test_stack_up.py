"""The whole stack, as a user starts it: up, demo, second up, crashes, a taken port, down, and up without the demo."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest
import requests

from stack.layout import load_layout
from stack.monitoring import fetch_firing_alerts, fetch_targets
from stack.pages import fetch_page
from stack.processes import find_free_port, is_alive, is_port_taken, wait_until
from stack.simulated import Control
from tests.running import Stack

ALWAYS = {
    *("postgresql", "redis", "api-console-1", "worker-ingest", "worker-tasks", "dispatcher", "exporter"),
    *("haproxy", "api-accept-1", "api-accept-2", "prometheus", "alertmanager"),
}
UNSCRAPED = {"postgresql", "redis", "simulator"}
CHANNELS = {"shopify", "woocommerce", "amazon", "standard"}


def test_everything_runs_and_is_healthy(stack: Stack) -> None:
    status = stack.read_status()
    assert status["healthy"] is True
    assert status["demo"] is True
    processes = {one["name"]: one for one in status["processes"]}
    assert processes.keys() >= ALWAYS | {"simulator"}
    assert {one["state"] for one in processes.values()} <= {"RUNNING", "STARTING"}
    assert {one["health"] for one in processes.values()} == {"ok"}


def test_a_newcomer_logs_in_with_what_the_report_names(stack: Stack) -> None:
    report = stack.run("status").stdout
    path = stack.state / "secrets" / "admin.password"
    assert f"admin@demo.example, with the password in {path}" in report
    assert path.stat().st_mode & 0o077 == 0
    url = f"http://127.0.0.1:{stack.port}"
    login = {"email": "admin@demo.example", "password": path.read_text(encoding="ascii")}
    forged = {"X-Forwarded-For": "192.0.2.66", "Forwarded": "for=192.0.2.66"}
    answer = requests.post(f"{url}/session", json=login, headers=forged, timeout=10)
    assert answer.status_code == 200, answer.text
    # requests sends no Secure cookie over HTTP, not even to this machine; browsers do
    cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    entries = requests.get(f"{url}/audit?action=session.login", headers=cookie, timeout=10).json()["entries"]
    assert (entries[0]["actor_email"], entries[0]["address"]) == ("admin@demo.example", "127.0.0.1")


def test_prometheus_scrapes_every_process(stack: Stack) -> None:
    layout = load_layout(stack.state)
    assert layout

    def all_up() -> bool:
        targets = fetch_targets(layout) or {}
        return targets.keys() >= ALWAYS - UNSCRAPED and set(targets.values()) == {"up"}

    assert wait_until(all_up, 45, pause_s=0.5), fetch_targets(layout)


def test_the_demo_polls_three_channels(stack: Stack) -> None:
    page = fetch_page(f"http://127.0.0.1:{stack.read_status()['ports']['exporter-metrics']}/metrics", 5)
    assert page is not None
    ages = re.findall(r'palmonas_poll_last_success_age_seconds\{channel="(\w+)"\}', page.text)
    assert set(ages) == CHANNELS - {"standard"}


@pytest.mark.drill
def test_three_minutes_after_the_demo_nothing_but_the_watchdog_fires(stack: Stack) -> None:
    layout = load_layout(stack.state)
    assert layout
    time.sleep(180)
    assert fetch_firing_alerts(layout) == ["Watchdog"]


def test_secrets_are_for_their_owner_only(stack: Stack) -> None:
    files = [*(stack.state / "secrets").iterdir(), *stack.state.glob("*/*.password"), stack.state / "supervisord.conf"]
    assert len(files) >= 9
    assert [path for path in files if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_operators_see_the_orders_of_every_channel(stack: Stack, channel: str) -> None:
    orders = stack.call_api("GET", f"/orders?channel={channel}&limit=100").json()["orders"]
    assert len(orders) == 20
    assert len({order["channel_status"] for order in orders}) > 1


def test_status_marks_the_demo(stack: Stack) -> None:
    shown = stack.run("status").stdout
    assert "This is a demo: the part `simulator` plays the sales channels" in shown
    assert [line.split()[-1] for line in shown.splitlines() if line.startswith("  simulator  ")] == ["(demo)"]


def test_a_second_up_says_so_and_makes_nothing(stack: Stack) -> None:
    again = stack.run("up", "--demo")
    assert again.returncode == 0
    assert "is up already" in again.stdout
    assert "without --demo" not in again.stdout
    assert len(stack.call_api("GET", "/orders?limit=100").json()["orders"]) == 20 * len(CHANNELS)


def test_the_front_door_hides_metrics(stack: Stack) -> None:
    answer = fetch_page(f"http://127.0.0.1:{stack.port}/metrics", 5)
    assert answer is not None
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["worker-ingest", "api-accept-1", "postgresql", "simulator"])
def test_a_killed_process_comes_back_and_is_counted(stack: Stack, name: str) -> None:
    before = stack.read_process(name)
    os.kill(before["pid"], signal.SIGKILL)

    def is_back() -> bool:
        now = stack.read_process(name)
        return bool(now["pid"] not in (0, before["pid"]) and now["health"] == "ok" and now["restarts"] > 0)

    assert wait_until(is_back, 45, pause_s=0.5), stack.read_process(name)
    assert json.loads((stack.state / "restarts.json").read_text())[name] >= before["restarts"] + 1


def test_a_channel_that_forgot_an_order_is_told_once_and_polled_on(stack: Stack) -> None:
    """What a restart of the simulator comes to: all its orders are gone, and ours are not."""
    url = f"http://127.0.0.1:{stack.read_status()['ports']['simulator']}"
    Control(url, stack.state / "secrets").tell("POST", "/control/reset")
    orders = stack.call_api("GET", "/orders?channel=woocommerce&limit=100").json()["orders"]
    open_order = next(one for one in orders if one["status"] == "new")
    path = f"/orders/{open_order['id']}"
    etag = stack.call_api("GET", path).headers["ETag"]
    stack.call_api("PATCH", f"{path}/status", json={"status": "cancelled"}, headers={"If-Match": etag})

    def list_pushes() -> list[str]:
        events = stack.call_api("GET", path).json()["events"]
        return [event["type"] for event in events if event["type"].startswith("push_")]

    assert wait_until(lambda: "push_failed" in list_pushes(), 20, pause_s=0.5)
    assert list_pushes() == ["push_failed"]

    def polls_on() -> bool:
        lines = map(json.loads, stack.run("logs", "worker-poll", "-n", "10").stdout.splitlines())
        return any(line["event"] == "channel_polled" and line["seen"] == 0 for line in lines)

    assert wait_until(polls_on, 30, pause_s=1)


def test_logs_are_shown_by_name(stack: Stack) -> None:
    shown = stack.run("logs", "dispatcher", "--lines", "1")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["process"] == "dispatcher"
    unknown = stack.run("logs", "nobody")
    assert unknown.returncode == 1
    assert "there is no log of 'nobody'; there are: " in unknown.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = Stack(tmp_path, port).run("up", "--detach")
    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_demo_does_not_mix_with_real_channels(tmp_path: Path) -> None:
    address = {"PALMONAS_SHOPIFY_API_URL": "https://shop.example.com"}
    refused = Stack(tmp_path, find_free_port()).run("up", "--demo", **address)
    assert refused.returncode == 1
    assert "PALMONAS_SHOPIFY_API_URL is set, and a demo simulates the channels" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", ["status", "down"])
def test_commands_say_when_nothing_is_up(tmp_path: Path, command: str) -> None:
    refused = Stack(tmp_path, 4000).run(command)
    assert refused.returncode == 1
    assert refused.stderr.strip().endswith("start it with: make up")


def test_down_leaves_nothing_running(stack: Stack) -> None:
    status = stack.read_status()
    pids = [one["pid"] for one in status["processes"]]
    stopped = stack.run("down", deadline_s=180)
    assert stopped.returncode == 0, stopped.stderr
    assert "were killed" not in stopped.stdout
    assert [pid for pid in pids if is_alive(pid)] == []
    assert [port for port in status["ports"].values() if is_port_taken(port)] == []


def test_a_start_without_the_demo_calls_no_simulator(stack: Stack) -> None:
    """The same state, with the orders and poll times of the demo in it."""
    started = stack.run("up", "--detach", deadline_s=300)
    assert started.returncode == 0, started.stdout + started.stderr
    assert "This is a demo" not in started.stdout
    try:
        status = stack.read_status()
        assert status["demo"] is False
        assert "simulator" not in {one["name"] for one in status["processes"]}
        for one in status["processes"]:
            assert b"_API_URL" not in Path(f"/proc/{one['pid']}/environ").read_bytes(), one["name"]
        page = fetch_page(f"http://127.0.0.1:{status['ports']['exporter-metrics']}/metrics", 5)
        assert page is not None
        assert "palmonas_poll_last_success_age_seconds{" not in page.text
        assert "started without --demo" in stack.run("up", "--demo").stdout
    finally:
        assert stack.run("down", deadline_s=180).returncode == 0
