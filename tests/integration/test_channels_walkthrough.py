"""docs/channels.md says how to add a channel: its code, as it stands there, is a channel that the contract accepts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8").partition("\n## Adding a channel\n")[2]
# a path in backquotes ends the text that leads to its block
FILES = dict(re.findall(r"`((?:app|tests)/\S+/acme/\S+)`:\n\n```\w+\n(.*?)```\n", SECTION, re.DOTALL))
CONTRACT = ("test_channels_contract.py", "test_channels_contract_webhooks.py")
NEEDED = ("__init__.py", "channels.py", "fuzz", "payloads", *(f"unit/{name}" for name in ("__init__.py", *CONTRACT)))
DEADLINE_S = 300


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The service and the contract's tests, with the channel of the walk-through, and nothing else of this project."""
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    for name in NEEDED:
        source = ROOT / "tests" / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / "tests" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / "tests" / name)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def hold_to_contract(copy: Path, which: str) -> subprocess.CompletedProcess[str]:
    return run(copy, "-m", "pytest", "-q", "-k", which, f"--basetemp={copy / 'tmp'}", "tests/unit")


def spoil(copy: Path, name: str, old: str, new: str) -> None:
    path = copy / "app" / "channels" / "acme" / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_the_walk_through_makes_a_channel(copy: Path) -> None:
    assert len(FILES) == 8
    done = hold_to_contract(copy, "acme or folder")
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 40
    known = run(
        copy,
        "-c",
        "from app.api.schemas import ALL_CHANNELS; from app.config import Config; import app\n"
        "print(app.__file__, ALL_CHANNELS, Config({'PALMONAS_ACME_SECRETS': 'c8QzV1rY6pK3wL9t'}).channel_secrets)",
    ).stdout
    assert str(copy) in known
    assert "'acme'" in known
    assert "{'acme': ('c8QzV1rY6pK3wL9t',)}" in known


LET_ALL_IN = "[signing.sign_bytes(body, secrets[0].encode()).decode()] if secrets else []"


@pytest.mark.parametrize(
    ("name", "old", "new", "test"),
    [
        ("parse.py", 'reading.need_text(record, "status")', 'record["status"]', "with_a_part_missing"),
        ("parse.py", '(record, "currency")', '(record, str(record.get("currency")))', "with_a_part_missing"),
        ("webhook.py", "[given] if given else []", LET_ALL_IN, "what_is_not_signed"),
    ],
    ids=["KeyError", "quotes", "unsigned"],
)
def test_a_channel_that_breaks_the_contract_is_found(copy: Path, name: str, old: str, new: str, test: str) -> None:
    spoil(copy, name, old, new)
    done = hold_to_contract(copy, f"acme and {test}")
    assert done.returncode == 1, done.stdout
    assert f"{test}" in done.stdout
    assert re.search(r"[1-9] failed", done.stdout)
