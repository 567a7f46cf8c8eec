"""Container drills ask for an engine of their own before anything starts, and `--all` does without one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.errors import UsageError
from cli import drill as command
from drills.containers import SOCKET, find_engine, offer_engine
from drills.drill import list_drills


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that answers from files of its directory: `ps`, `images`."""
    script = tmp_path / "docker"
    script.write_text(
        f'#!/bin/sh\ncat "{tmp_path}/$1.txt" 2>/dev/null || {{ echo "cannot $1" >&2; exit 1; }}\n', "utf-8"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.delenv(SOCKET, raising=False)
    (tmp_path / "ps.txt").write_text("", "utf-8")
    (tmp_path / "images.txt").write_text("0123456789ab\n", "utf-8")
    return tmp_path


def test_the_stack_is_given_the_socket_while_it_starts(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOCKET, "/of/somebody/else.sock")
    with offer_engine():
        assert os.environ[SOCKET] == f"{engine}/docker.sock"
    assert os.environ[SOCKET] == "/of/somebody/else.sock"


@pytest.mark.parametrize("host", ["", "tcp://127.0.0.1:2375"])
def test_an_engine_must_be_named(engine: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(UsageError, match="set DOCKER_HOST=unix://SOCKET"):
        find_engine()


def test_an_engine_that_others_use_is_refused(engine: Path) -> None:
    (engine / "ps.txt").write_text("shop-web-1\nshop-db-1\n", "utf-8")
    with pytest.raises(UsageError, match=r"has containers \(shop-web-1, shop-db-1\): it must be the drills' own"):
        find_engine()


def test_an_image_that_is_missing_is_named(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALMONAS_DRILL_IMAGE", "mine/bash:1")
    (engine / "images.txt").write_text("", "utf-8")
    with pytest.raises(UsageError, match=r"has no image mine/bash:1: make it .*or set PALMONAS_DRILL_IMAGE"):
        find_engine()


def test_what_docker_says_is_passed_on(engine: Path) -> None:
    (engine / "ps.txt").unlink()
    with pytest.raises(UsageError, match="docker ps: cannot ps"):
        find_engine()


def test_without_docker_it_is_said_how_to_get_it(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(engine / "nothing"))
    with pytest.raises(UsageError, match=r"apt-get install docker\.io"):
        find_engine()


def test_all_leaves_them_out_where_no_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[str] = []
    monkeypatch.setattr(command, "require_tools", lambda *_names: None)
    monkeypatch.setattr(
        "drills.session.run_session", lambda drills, *_, **__: chosen.extend(one.name for one in drills) or True
    )
    ours = {one.name for one in list_drills() if one.containers}
    assert len(ours) >= 9
    for host, wanted in (("", set()), ("unix:///x", ours)):
        chosen.clear()
        monkeypatch.setenv("DOCKER_HOST", host)
        done = CliRunner().invoke(command.drill, ["--all"])
        assert done.exit_code == 0, done.output
        assert {name for name in chosen if name.startswith("container-")} == wanted
        assert ("no container is drilled" in done.output) == (not host)
