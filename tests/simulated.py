"""A service beside the simulator: real processes on both sides, and the simulator's oracle to be held against."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from app.store.pool import Pool
from stack.channel_secrets import WEBHOOK_SECRETS
from stack.processes import find_free_port
from stack.simulated import API_SECRETS, Control, Key, is_same, list_api_settings

START_DEADLINE_S = 30.0
FINAL = "SELECT channel, external_id, channel_status, total::text FROM orders"
CREATED = """
SELECT channel, external_id, count(*) FROM orders JOIN order_events ON order_id = orders.id
WHERE type = 'order_created' GROUP BY orders.id HAVING count(*) <> 1
"""


class Simulator(Control):
    """`palmonas simulate` in a process of its own, sending its webhooks to `target`."""

    def __init__(self, directory: Path, target: str, seed: int = 1) -> None:
        self.port = find_free_port()
        self._secrets = directory / "secrets"
        super().__init__(f"http://127.0.0.1:{self.port}", self._secrets)
        self._log = (directory / "simulator.log").open("wb")
        self._process = subprocess.Popen(
            [
                *[sys.executable, "-m", "cli", "simulate", "--port", str(self.port), "--target", target],
                *["--secrets", str(self._secrets), "--seed", str(seed), "--speed", "1000"],
            ],
            stdout=self._log,
            stderr=self._log,
        )
        self._wait_ready()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            try:
                self.tell("GET", "/control/oracle")
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the simulator did not start")

    def misbehave(self, channel: str, kind: str, **how: Any) -> int:
        """Put a rule in force; returns its id."""
        return int(self.tell("POST", "/control/misbehave", channel=channel, kind=kind, **how)["id"])

    def behave(self) -> None:
        """Take back every rule."""
        self.tell("DELETE", "/control/misbehave")

    def wait_for_faults(self, rules: Collection[int], times: int, deadline_s: float) -> None:
        """Return once each of `rules` has happened so often. A fault that nobody met proves nothing."""
        deadline = time.monotonic() + deadline_s
        while True:
            found = {one["id"]: one for one in self.tell("GET", "/control/misbehave")["rules"]}
            missed = [found[rule] for rule in rules if found[rule]["happened"] < times]
            if not missed:
                return
            assert time.monotonic() < deadline, f"not met {times} times within {deadline_s} s: {missed}"
            time.sleep(0.1)

    def advance(self, orders: Collection[Key], steps: int = 1) -> None:
        self.tell(
            "POST", "/control/orders/advance", external_ids=[external_id for _, external_id in orders], steps=steps
        )

    def make_settings(self) -> dict[str, str]:
        """What the service needs to talk to this simulator, and to nothing else."""
        names = [name.lower() for name in (*WEBHOOK_SECRETS, *API_SECRETS)]
        return {
            **{f"{name}_file": str(self._secrets / name) for name in names},
            **{name.lower(): value for name, value in list_api_settings(self.url).items()},
            "outbound_timeout_s": "3",
            "poll_interval_s": "1",
            "poll_overlap_s": "30",
            "poll_settle_s": "0",
            "poll_lease_s": "3",
            "poll_retry_s": "0.3",
            "push_retry_delays_s": "1 1 1 2 2",
        }

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._log.close()


def find_differences(
    pool: Pool, simulator: Simulator, channels: Sequence[str], own: Collection[Key] | None = None
) -> list[Any]:
    """What the store does not hold as the simulator has it; of `own` alone, or of all orders of `channels`."""
    truth = {key: value for key, value in simulator.read_truth().items() if key[0] in channels}
    with pool.autocommit("test") as cursor:
        cursor.execute(FINAL)
        stored = {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall() if row[0] in channels}
    keys = sorted(truth.keys() | stored.keys() if own is None else own)
    return [(key, truth.get(key), stored.get(key)) for key in keys if not is_same(truth.get(key), stored.get(key))]


def wait_for_truth(
    pool: Pool, simulator: Simulator, channels: Sequence[str], deadline_s: float, own: Collection[Key] | None = None
) -> float:
    """Seconds until the store holds exactly what the simulator has made, each order once and in its last state."""
    started = time.monotonic()
    while difference := find_differences(pool, simulator, channels, own):
        if time.monotonic() - started > deadline_s:
            raise AssertionError(f"{len(difference)} orders differ after {deadline_s} s: {difference[:5]}")
        time.sleep(0.2)
    with pool.autocommit("test") as cursor:
        cursor.execute(CREATED)
        assert cursor.fetchall() == [], "an order was created twice"
    return time.monotonic() - started
