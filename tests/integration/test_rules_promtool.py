"""The rule files, checked and tested by Prometheus's own promtool."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yml")) + sorted((ROOT / "prometheus/alerts").glob("*.yml"))
TESTS = sorted((ROOT / "prometheus/tests").glob("*.yml"))


def run_promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail(
            "promtool is not installed, so that no rule can be proven. On Debian: apt-get install prometheus; "
            "elsewhere: it is in the archive at https://prometheus.io/download/"
        )
    return subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=180)


def test_rules_are_valid() -> None:
    assert RULES
    done = run_promtool("check", "rules", "--lint-fatal", *map(str, RULES))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_do_what_their_tests_say(path: Path) -> None:
    done = run_promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_would_notice(tmp_path: Path) -> None:
    """A threshold that is wrong must fail: else the tests above prove nothing."""
    source = (ROOT / "prometheus/alerts/orders.yml").read_text(encoding="utf-8")
    (tmp_path / "alerts").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "alerts/orders.yml").write_text(source.replace("> 60", ">= 60"), encoding="utf-8")
    shutil.copy(ROOT / "prometheus/tests/orders.yml", tmp_path / "tests/orders.yml")
    done = run_promtool("test", "rules", str(tmp_path / "tests/orders.yml"))
    assert done.returncode == 1
    assert "stays silent at the line" in done.stdout + done.stderr
