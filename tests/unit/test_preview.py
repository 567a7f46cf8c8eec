"""Pages that are built with node, in a stack: built once, placed whole, and never in the way of a start."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stack import preview
from stack.console import CONSOLE
from stack.layout import Layout
from stack.sites import STAMP, Site

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A preview with a source and a place for what is built, of this test alone."""
    made = tmp_path / "preview"
    (made / "src").mkdir(parents=True)
    (made / "src" / "main.ts").write_text("1", encoding="ascii")
    (made / "package-lock.json").write_text("{}", encoding="ascii")
    alone = replace(preview.PREVIEW, source=made, built=tmp_path / "built")
    monkeypatch.setattr(preview, "PREVIEW", alone)
    return alone


def write_built(built: Path, stamp: str) -> None:
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("page", encoding="ascii")
    (built / STAMP).write_text(stamp, encoding="ascii")


def test_every_source_counts_and_the_libraries_do_not(site: Site) -> None:
    hashes = [site.hash_sources()]
    (site.source / "node_modules").mkdir()
    (site.source / "node_modules" / "x.js").write_text("x", encoding="ascii")
    assert site.hash_sources() == hashes[0]
    for name, text in (("src/main.ts", "2"), ("package-lock.json", "[]"), ("src/new.ts", "")):
        (site.source / name).write_text(text, encoding="ascii")
        hashes.append(site.hash_sources())
    assert len(set(hashes)) == 4


def test_what_is_built_is_not_built_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    write_built(site.built, site.hash_sources())
    monkeypatch.setenv("PATH", "")  # whatever would be run is not there
    told: list[str] = []
    site.build(told.append)
    assert told == []


def test_without_node_there_is_one_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("stack.binaries.EXTRA_PATH", ())
    told: list[str] = []
    site.build(told.append)
    assert len(told) == 1
    assert told[0].startswith("dashboards' preview not built: no node")


def test_a_build_that_fails_is_one_line_and_leaves_what_was_there(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in (("node", "echo v18.20.4"), ("npm", "echo 'npm error: no such host' >&2; exit 1")):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    write_built(site.built, "older")
    told: list[str] = []
    site.build(told.append)
    assert told[-1] == "dashboards' preview not built: npm ci failed: npm error: no such host"
    assert (site.built / "index.html").exists()


def test_a_stack_gets_pages_dashboards_and_runbooks(site: Site, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state", "127.0.0.1", 4000, {})
    layout.state.mkdir()
    assert not preview.place_preview(layout)
    assert not site.find(layout).exists()
    write_built(site.built, "x")
    assert preview.place_preview(layout)
    assert preview.place_preview(layout), "a second start does it anew"
    pages = site.find(layout)
    assert (pages / "index.html").read_text("ascii") == "page"
    assert (pages / "runbooks" / "PalmonasApiDown.md").exists()
    committed = {path.name for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    assert {path.name for path in (pages / "dashboards").iterdir()} == committed
    # Pages that are no longer built are no longer served.
    (site.built / "index.html").unlink()
    assert not preview.place_preview(layout)
    assert not pages.exists()


@pytest.mark.parametrize("pages", [preview.PREVIEW, CONSOLE], ids=lambda one: one.name)
def test_the_lockfile_has_a_hash_for_every_package_and_names_no_host(pages: Site) -> None:
    text = (pages.source / "package-lock.json").read_text("utf-8")
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert all(one.get("integrity", "").startswith("sha512-") for one in packages.values() if not one.get("inBundle"))
    assert "resolved" not in text
    direct = json.loads((pages.source / "package.json").read_text("utf-8"))
    for version in (direct["dependencies"] | direct["devDependencies"]).values():
        assert version[0].isdigit(), "versions are exact"
