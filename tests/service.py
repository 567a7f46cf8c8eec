"""Real servers and processes of the service in a private directory, for measurements and for chaos tests."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from stack.processes import find_free_port

PALMONAS = [sys.executable, "-m", "cli"]
READY_DEADLINE_S = 60.0


class Process:
    """One `palmonas` process with its own operations port and log file."""

    def __init__(self, name: str, arguments: list[str], environ: Mapping[str, str], directory: Path) -> None:
        self.name = name
        self.metrics_port = find_free_port()
        self.port = int(environ.get("PALMONAS_PORT", "0")) or find_free_port()
        self.log_path = directory / f"{name}.log"
        self._arguments = arguments
        self._environ = dict(environ)
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._popen is not None, f"{self.name} was not started"
        return self._popen.pid

    def start(self) -> Process:
        environ = self._environ | {
            "PALMONAS_METRICS_PORT": str(self.metrics_port),
            "PALMONAS_PORT": str(self.port),
            "PALMONAS_INSTANCE": self.name,
        }
        with self.log_path.open("ab") as log:
            self._popen = subprocess.Popen(self._arguments, env=environ, stderr=log, start_new_session=True)
        return self

    def wait_ready(self) -> Process:
        deadline = time.monotonic() + READY_DEADLINE_S
        while time.monotonic() < deadline:
            assert self._popen is not None
            if self._popen.poll() is not None:
                break
            if self.get("/readyz", timeout_s=2)[0] == 200:
                return self
            time.sleep(0.1)
        raise AssertionError(f"{self.name} did not become ready:\n{self.read_log()[-2000:]}")

    def get(self, path: str, timeout_s: float = 5.0) -> tuple[int, bytes]:
        """Status and body of a page of the operations port; status 0 when nobody answers."""
        url = f"http://127.0.0.1:{self.metrics_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=timeout_s) as answer:
                return int(answer.status), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def read_log(self) -> str:
        return self.log_path.read_text(encoding="utf-8") if self.log_path.exists() else ""

    def kill9(self) -> None:
        """SIGKILL to the process and all it started."""
        assert self._popen is not None
        os.killpg(self._popen.pid, 9)
        self._popen.wait(10)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting for the end."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.terminate()

    def stop(self, timeout_s: float = 20.0) -> int:
        """SIGTERM; returns the exit code."""
        if self._popen is None or self._popen.poll() is not None:
            return 0 if self._popen is None else int(self._popen.returncode)
        self._popen.terminate()
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"{self.name} did not stop within {timeout_s} s") from None


class Service:
    """The processes of one Palmonas on given servers. Add them with the methods, stop them all with `stop`."""

    def __init__(self, database_url: str, redis_url: str, directory: Path, **settings: str) -> None:
        self.secrets = {
            "shopify": secrets.token_urlsafe(32),
            "woocommerce": secrets.token_urlsafe(32),
            "standard": "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oDazfDYZq1hZA=",
        }
        self._environ = {
            **os.environ,
            "PALMONAS_DATABASE_URL": database_url,
            "PALMONAS_REDIS_URL": redis_url,
            **{f"PALMONAS_{name.upper()}_SECRETS": secret for name, secret in self.secrets.items()},
            **{f"PALMONAS_{name.upper()}": value for name, value in settings.items()},
        }
        self._directory = directory
        self.processes: list[Process] = []

    def add(self, name: str, *arguments: str, **settings: str) -> Process:
        environ = self._environ | {f"PALMONAS_{key.upper()}": value for key, value in settings.items()}
        process = Process(name, [*PALMONAS, *arguments], environ, self._directory)
        self.processes.append(process)
        return process.start()

    def add_api(self, name: str = "api", **settings: str) -> Process:
        return self.add(name, "api", **settings)

    def add_worker(self, queue: str = "ingest", name: str = "") -> Process:
        return self.add(name or f"worker-{queue}", "worker", "--queue", queue)

    def wait_ready(self) -> Service:
        for process in self.processes:
            process.wait_ready()
        return self

    def stop(self) -> None:
        """Stop all, at once; the first that does not stop in time is an AssertionError, after all were tried."""
        for process in self.processes:
            process.ask_to_stop()
        problems = []
        for process in self.processes:
            try:
                process.stop()
            except AssertionError as error:
                problems.append(str(error))
        assert not problems, problems
