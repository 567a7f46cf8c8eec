"""What is wrong is one sentence, and nothing starts on it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import UsageError
from tests.containers.engine import Engine
from tests.containers.stack import Stack


@pytest.fixture
def spoiled(built: Engine, tmp_path: Path) -> Iterator[Stack]:
    """A stack of its own that has not been started, with an empty directory of settings."""
    tmp_path.chmod(0o755)
    for name in ("tls", "secrets", "alertmanager"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
    stack = Stack(built, project="palmonas-spoiled", settings={"PALMONAS_SETTINGS": str(tmp_path)})
    try:
        yield stack
    finally:
        stack.stop()


def list_running(stack: Stack) -> set[str]:
    return {one["Service"] for one in stack.ps() if one["State"] == "running"}


def test_a_missing_certificate_is_told_before_anything_starts(spoiled: Stack) -> None:
    spoiled.settings["PALMONAS_TLS_CERTIFICATE"] = "shop.pem"
    with pytest.raises(UsageError, match="secrets"):
        spoiled.start("api-accept", "haproxy")
    told = spoiled.compose("logs", "--no-log-prefix", "secrets").stdout
    assert "there is no such file in containers/settings/tls: put the certificate" in told
    assert "Traceback" not in told
    assert list_running(spoiled) == set()


def test_settings_that_cannot_be_read_are_told(spoiled: Stack, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(UsageError, match="secrets"):
        spoiled.start("api-accept", "haproxy")
    told = spoiled.compose("logs", "--no-log-prefix", "secrets").stdout
    assert "cannot be entered by user 10001: let everybody read" in told
    assert "Traceback" not in told


def test_a_taken_port_is_told_before_the_service_starts(spoiled: Stack) -> None:
    with socket.create_server(("127.0.0.1", spoiled.ports["PORT"])):
        with pytest.raises(UsageError, match=r"address already in use|port is already allocated"):
            spoiled.start("api-accept", "haproxy")
        assert list_running(spoiled) <= {"postgres", "redis", "migrate"}


def test_tls_is_spoken_when_there_is_a_certificate(spoiled: Stack, tmp_path: Path) -> None:
    pem, key = tmp_path / "tls" / "shop.pem", tmp_path / "key.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", *kind, "-subj", "/CN=localhost", "-keyout", key, "-out", pem],
        check=True,
        capture_output=True,
        timeout=30,
    )
    pem.write_text(pem.read_text(encoding="ascii") + key.read_text(encoding="ascii"), encoding="ascii")
    pem.chmod(0o644)
    spoiled.settings["PALMONAS_TLS_CERTIFICATE"] = "shop.pem"
    spoiled.start("haproxy", "api-console")
    address = f"https://localhost:{spoiled.ports['PORT']}/livez"
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "30", "--cacert", pem, address],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert '"ok"' in done.stdout
