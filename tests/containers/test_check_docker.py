"""scripts/check-docker: each thing that would be in the way of `docker compose up` is a sentence with what to do."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.containers.engine import ROOT, Engine
from tests.containers.stack import Stack, find_compose

CHECK = ROOT / "scripts" / "check-docker"
DEADLINE_S = 120.0
KINDS = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@pytest.fixture
def stack(engine: Engine, tmp_path: Path) -> Stack:
    """Never started; its settings lie in `tmp_path`."""
    (tmp_path / "tls").mkdir()
    return Stack(engine, project="palmonas-checked", settings={"PALMONAS_SETTINGS": str(tmp_path)})


def check(stack: Stack, *options: str, **environment: str) -> tuple[int, list[str]]:
    """Exit code, and what was said."""
    own = {"DOCKER": stack.engine.docker, "COMPOSE": str(find_compose()), "COMPOSE_PROJECT_NAME": stack.project}
    done = subprocess.run(
        [CHECK, *options],
        env={**stack.environment, **own, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    assert not [line for line in said if "not found" in line and "check-docker: line" in line], said
    return done.returncode, said


def make_certificate(path: Path) -> None:
    key = path.with_suffix(".key")
    command = ["openssl", "req", *KINDS, "-days", "2", "-subj", "/CN=shop.example", "-keyout", key, "-out", path]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    path.write_text(path.read_text(encoding="ascii") + key.read_text(encoding="ascii"), encoding="ascii")


@pytest.mark.parametrize("options", [(), ("--env-file", "containers/scale.env"), ("--profile", "*")])
def test_nothing_is_in_the_way(stack: Stack, options: tuple[str, ...]) -> None:
    code, said = check(stack, *options)
    assert (code, len(said)) == (0, 1), said
    assert said[0].endswith("docker compose up can start")


def test_an_engine_that_does_not_answer(stack: Stack, tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/docker.sock"
    code, said = check(stack, DOCKER_HOST=address)
    assert (code, len(said)) == (1, 1)
    assert said[0].startswith(f"check-docker: the Docker engine at {address} does not answer: start it")


def answer_as(path: Path, script: str) -> str:
    """A program in the place of `docker` or of Compose: versions that nobody has any more."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(0o755)
    return str(path)


def test_an_engine_that_is_too_old(stack: Stack, tmp_path: Path) -> None:
    script = f'[ "$1" = version ] && echo 19.03.15 || exec {stack.engine.docker} "$@"'
    code, said = check(stack, DOCKER=answer_as(tmp_path / "docker", script))
    assert (code, said) == (
        1,
        ["check-docker: the Docker engine is 19.03.15, and cannot build the image: install 20.10 or newer"],
    )


@pytest.mark.parametrize("version", ["v2.19.1", "1.29.2", "2.6.0-desktop.1"])
def test_a_compose_that_is_too_old(stack: Stack, tmp_path: Path, version: str) -> None:
    code, said = check(stack, COMPOSE=answer_as(tmp_path / "compose", f"echo {version}"))
    told = f"Compose is {version.removeprefix('v')}, and does not understand compose.yml: install 2.20 or newer"
    assert (code, said) == (1, [f"check-docker: {told}"])


def test_no_compose_at_all(stack: Stack, tmp_path: Path) -> None:
    code, said = check(stack, COMPOSE=str(tmp_path / "none"))
    assert (code, len(said)) == (1, 1)
    assert "Compose was not found: install its plugin" in said[0]


def test_ports_that_a_process_has(stack: Stack) -> None:
    taken = {"haproxy": ("PORT", "PALMONAS_PORT"), "grafana": ("GRAFANA_PORT", "PALMONAS_GRAFANA_PORT")}
    ports = {service: stack.ports[name] for service, (name, _) in taken.items()}
    with socket.create_server(("127.0.0.1", ports["haproxy"])), socket.create_server(("", ports["grafana"])):
        code, said = check(stack)
    assert (code, len(said)) == (1, 2), said
    for service, (_, setting) in taken.items():
        [line] = [one for one in said if f"port {ports[service]} of {service} is taken by" in one]
        assert f"(process {os.getpid()})" in line or "another process" in line
        assert line.endswith(f"give {service} another one: {setting}={ports[service] + 1000}")


def test_ports_that_a_container_has_unless_it_is_the_stacks_own(stack: Stack) -> None:
    port, name = stack.ports["PROMETHEUS_PORT"], "palmonas-holder"
    for project, wanted in (("somebody", 1), (stack.project, 0)):
        label = f"com.docker.compose.project={project}"
        stack.engine.run(
            *("run", "--detach", "--rm", "--name", name, "--label", label),
            *("--publish", f"127.0.0.1:{port}:3000", "palmonas-test/holder"),
        )
        try:
            code, said = check(stack)
        finally:
            stack.engine.run("rm", "--force", name)
        assert code == wanted, said
        told = f"port {port} of prometheus is taken by container {name}: end that, or give prometheus another one"
        assert any(told in line for line in said) == bool(wanted), said


def test_a_certificate_that_is_missing_or_spoiled_or_old(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "tls" / "shop.pem"

    def tell() -> str:
        code, said = check(stack, PALMONAS_TLS_CERTIFICATE="shop.pem")
        assert (code, len(said)) == (1, 1), said
        assert str(path) in said[0]
        return said[0]

    assert "there is no" in tell()
    path.write_text("none\n", encoding="ascii")
    path.chmod(0o644)
    assert "holds no certificate" in tell()
    make_certificate(path)
    good = path.read_text(encoding="ascii")
    path.chmod(0o600)
    assert "cannot be read by user 10001" in tell()
    path.chmod(0o644)
    assert check(stack, PALMONAS_TLS_CERTIFICATE="shop.pem")[0] == 0
    make_certificate(tmp_path / "other.pem")
    path.write_text(good.partition("-----BEGIN PRIVATE KEY")[0], encoding="ascii")
    assert "does not hold the key of its first certificate" in tell()
    other = (tmp_path / "other.key").read_text(encoding="ascii")
    path.write_text(good.partition("-----BEGIN PRIVATE KEY")[0] + other, encoding="ascii")
    assert "does not hold the key of its first certificate" in tell()
    key = tmp_path / "tls" / "shop.key"
    command = ["openssl", "x509", "-in", path, "-signkey", key, "-days", "-1"]
    old = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    path.write_text(old + key.read_text(encoding="ascii"), encoding="ascii")
    assert "has expired" in tell()


def test_settings_that_compose_refuses(stack: Stack) -> None:
    code, said = check(stack, "--env-file", "containers/none.env")
    assert code == 1
    assert said[0].startswith("check-docker: Compose refuses the settings: ")
    assert "none.env" in said[0]
