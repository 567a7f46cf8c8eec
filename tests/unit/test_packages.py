"""What is missing is named with the command that brings it, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import UsageError
from stack import packages


def test_a_missing_engine_is_named_where_it_cannot_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"npm"}
    monkeypatch.setattr(packages, "find_program", lambda name: Path("/usr/bin") / name if name in there else None)
    monkeypatch.setattr(packages, "_become_root", lambda: None)
    monkeypatch.setattr(packages, "list_missing_packages", lambda **_: ["docker.io", "mmdebstrap"])
    told: list[str] = []
    with pytest.raises(UsageError, match=r"needs docker\.io mmdebstrap; on Debian, as root: apt-get install docker"):
        packages.install_missing(told.append, containers=True)
    assert told == ["not root, so not installed: docker.io mmdebstrap"]


def test_an_engine_is_looked_for_only_when_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_program", lambda *_: None)
    assert "docker.io" not in packages.list_missing_packages()
    assert "docker.io" in packages.list_missing_packages(containers=True)
