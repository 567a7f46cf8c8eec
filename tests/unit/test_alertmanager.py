"""Who hears of which alert: prometheus/alertmanager.yml, asked by amtool, and the receivers that a stack puts in."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from app.errors import ConfigError
from rules.files import Alert, read_alerts
from stack.binaries import find_program
from stack.receivers import check_configuration, merge_receivers

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "prometheus/alertmanager.yml"
EXAMPLE = ROOT / "prometheus/receivers.example.yml"
ALERTS = read_alerts()
SHOP = {"orders", "channels"}


def run_amtool(*arguments: str) -> str:
    amtool = find_program("amtool")
    if amtool is None:
        pytest.fail("amtool is not installed, so that no route can be proven: apt-get install prometheus-alertmanager")
    done = subprocess.run([amtool, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def expected_receiver(alert: Alert) -> str:
    severity = alert.labels["severity"]
    if alert.name == "Watchdog":
        return "watchdog"
    return "shop" if severity != "page" and alert.labels["area"] in SHOP else severity


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.labels['severity']}")
def test_alert_goes_to_its_receiver(alert: Alert) -> None:
    labels = {**alert.labels, "alertname": alert.name}
    route = run_amtool(
        "config", "routes", "test", f"--config.file={CONFIGURATION}", *(f"{k}={v}" for k, v in labels.items())
    )
    assert route == expected_receiver(alert)


def test_alertmanager_takes_the_configuration() -> None:
    assert "SUCCESS" in run_amtool("check-config", str(CONFIGURATION))


def test_every_alert_that_a_route_or_an_inhibition_names_exists() -> None:
    """A name that was changed on one side only would quietly stop inhibiting."""
    areas = {alert.labels["area"] for alert in ALERTS}
    by_area = [(alert.name, alert.labels["area"]) for alert in ALERTS]
    for rule in yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))["inhibit_rules"]:
        for side in (rule["source_matchers"], rule["target_matchers"]):
            wanted = {name: value for name, value in map(read_matcher, side) if name in {"alertname", "area"}}
            if wanted.get("area") and not areas & set(wanted["area"].split("|")):
                continue  # an area that this bundle does not have (yet)
            matched = [
                name
                for name, area in by_area
                if re.fullmatch(wanted.get("alertname", ".*"), name) and re.fullmatch(wanted.get("area", ".*"), area)
            ]
            assert matched, side


def read_matcher(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"(\w+) *(=~|!~|!=|=) *\"?([^\"]*)\"?", text)
    assert found, text
    return ("", "") if found[2].startswith("!") else (found[1], found[3])


def test_receivers_of_the_example_are_put_in(tmp_path: Path) -> None:
    merged = merge_receivers(CONFIGURATION, EXAMPLE)
    receivers = {one["name"]: one for one in yaml.safe_load(merged)["receivers"]}
    assert list(receivers) == ["page", "warning", "shop", "info", "watchdog"]
    assert "pagerduty_configs" in receivers["page"]
    assert receivers["info"] == {"name": "info"}
    (tmp_path / "alertmanager.yml").write_text(merged, encoding="utf-8")
    check_configuration(tmp_path / "alertmanager.yml")


def test_without_receivers_nothing_is_sent(tmp_path: Path) -> None:
    merged = yaml.safe_load(merge_receivers(CONFIGURATION, tmp_path / "none.yml"))
    assert merged == yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    assert all(one.keys() == {"name"} for one in merged["receivers"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("receivers: [{name: pager}]", "receiver 'pager' is not known; there are: page, warning, shop"),
        ("receivers: {page: x}", "must have a list `receivers`"),
        ("", "must have a list `receivers`"),
        ("receivers: [", "is not YAML"),
    ],
)
def test_receivers_that_do_not_fit_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "receivers.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(said)):
        merge_receivers(CONFIGURATION, path)


def test_what_alertmanager_would_refuse_is_named(tmp_path: Path) -> None:
    path = tmp_path / "receivers.yml"
    path.write_text("receivers: [{name: page, webhook_configs: [{url: not-an-address}]}]", encoding="utf-8")
    (tmp_path / "alertmanager.yml").write_text(merge_receivers(CONFIGURATION, path), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"does not take the receivers\.yml"):
        check_configuration(tmp_path / "alertmanager.yml")
