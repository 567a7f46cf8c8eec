"""The rules as Prometheus 3 reads them: a range does not have its first instant.

Prometheus 2 counts a sample that is exactly as old as the range, and Prometheus 3 does not. On a clock of milliseconds,
Prometheus 3's `[5m]` is Prometheus 2's `[299999ms]`: with every range so shortened, promtool 2 must see the same
alerts, labels and times. Annotations are left out: the third digit of a ratio may be another one.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from rules.scale import read_duration
from tests.integration.test_rules_promtool import ROOT, TESTS, run_promtool

# A range, or the range of a subquery, whose step stays.
_RANGE = re.compile(r"\[\s*([0-9a-z]+)\s*(:[0-9a-z]*)?\]")


def shorten_ranges(expr: str) -> str:
    """`expr` with a millisecond less in each of its ranges."""
    return _RANGE.sub(lambda found: f"[{read_duration(found[1]) * 1000 - 1:.0f}ms{found[2] or ''}]", expr)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules with ranges that are open on the left, and their tests, without annotations."""
    directory = tmp_path_factory.mktemp("opened")
    for kind in ("rules", "alerts"):
        (directory / kind).mkdir()
        for path in (ROOT / "prometheus" / kind).glob("*.yml"):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            for rule in (rule for group in document["groups"] for rule in group["rules"]):
                rule["expr"] = shorten_ranges(rule["expr"])
                rule.pop("annotations", None)
            (directory / kind / path.name).write_text(yaml.safe_dump(document), encoding="utf-8")
    (directory / "tests").mkdir()
    return directory


def drop_annotations(tests: str) -> str:
    """A file of tests without what alerts say; as text, because YAML of Python takes the values 0x10 for 16."""
    return re.sub(r"^( *)exp_annotations:\n(?:\1 +\S.*\n)+", "", tests, flags=re.MULTILINE)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_no_alert_depends_on_the_first_instant_of_a_range(opened: Path, path: Path) -> None:
    copy = opened / "tests" / path.name
    copy.write_text(drop_annotations(path.read_text(encoding="utf-8")), encoding="utf-8")
    done = run_promtool("test", "rules", str(copy))
    assert done.returncode == 0, done.stdout + done.stderr


def test_ranges_are_shortened_and_steps_are_not() -> None:
    assert shorten_ranges('rate(x{a="b"}[5m]) / y[1h:1m] + z[30d:] offset 1w') == (
        'rate(x{a="b"}[299999ms]) / y[3599999ms:1m] + z[2591999999ms:] offset 1w'
    )


def test_a_test_on_a_boundary_would_be_noticed(opened: Path, tmp_path: Path) -> None:
    """The instant at which QueueStuck fires in Prometheus 3, and not yet in Prometheus 2."""
    text = (ROOT / "prometheus/tests/queues.yml").read_text(encoding="utf-8")
    assert "eval_time: 5m30s, alertname: QueueStuck" in text
    shutil.copytree(opened, tmp_path, dirs_exist_ok=True)
    moved = text.replace("5m30s, alertname: QueueStuck", "5m45s, alertname: QueueStuck")
    (tmp_path / "tests/queues.yml").write_text(drop_annotations(moved), encoding="utf-8")
    done = run_promtool("test", "rules", str(tmp_path / "tests/queues.yml"))
    assert done.returncode != 0
    assert "QueueStuck" in done.stdout + done.stderr


def test_every_name_is_written_without_quotes() -> None:
    """Prometheus 3 takes any UTF-8 for a name; exporters and Prometheus 2 do not."""
    for path in (ROOT / "prometheus").glob("*s/*.yml"):
        if path.parent.name in ("rules", "alerts"):
            for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
                for rule in group["rules"]:
                    assert re.fullmatch(r"[a-zA-Z_:][\w:]*", rule.get("record") or rule["alert"], re.ASCII)
                    assert all(re.fullmatch(r"[a-zA-Z_]\w*", label, re.ASCII) for label in rule.get("labels", {}))
                    assert not re.search(r"holt_winters|double_exponential_smoothing", rule["expr"])
