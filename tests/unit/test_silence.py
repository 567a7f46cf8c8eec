"""palmonas silence: what it refuses, before Alertmanager is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner

from app.errors import PalmonasError
from cli.silence import find_alertmanager, make_matchers, read_length, silence

GOOD = ("--for", "10m", "--reason", "deploy 42")


def refuse(*arguments: str) -> str:
    done = CliRunner().invoke(silence, arguments)
    assert isinstance(done.exception, PalmonasError), done.output
    return str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all",), "say for how long and why"),
        (("--for", "10m", "--reason", " ", "--all"), "say for how long and why"),
        (("--for", "ten", "--reason", "x", "--all"), "'ten' is no duration: write 90s, 10m, 2h or 1h30m"),
        (("--for", "10m!", "--reason", "x", "--all"), "is no duration"),
        (("--for", "0s", "--reason", "x", "--all"), "at least 1s and at most 24h"),
        (("--for", "25h", "--reason", "x", "--all"), "at least 1s and at most 24h"),
        (GOOD, "say what to silence: one of --alert NAME, --area AREA, --all"),
        ((*GOOD, "--all", "--area", "api"), "say what to silence"),
        ((*GOOD, "--alert", "Watchdog"), "Watchdog is never silenced"),
        ((*GOOD, "--alert", "Nonsense"), "there is no alert 'Nonsense'"),
        ((*GOOD, "--area", "nonsense"), "there is no area 'nonsense'; there are: api, channels"),
        ((*GOOD, "--all", "--url", "localhost:9093"), "is no address of Alertmanager"),
        (("--url", "http://", "list"), "is no address of Alertmanager"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    assert said in refuse(*arguments)


def test_without_a_stack_and_an_address_it_says_how(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("PALMONAS_STATE", str(tmp_path))
    monkeypatch.delenv("PALMONAS_ALERTMANAGER_URL", raising=False)
    assert "name Alertmanager by --url or PALMONAS_ALERTMANAGER_URL" in refuse("list")
    monkeypatch.setenv("PALMONAS_ALERTMANAGER_URL", "http://alerts.example/")
    assert find_alertmanager(None) == "http://alerts.example"


def test_watchdog_is_in_no_silence() -> None:
    never = {"name": "alertname", "value": "Watchdog", "isRegex": False, "isEqual": False}
    assert make_matchers(None, None, everything=True) == [never]
    assert never in make_matchers(None, "monitoring", everything=False)


def test_durations_add_up() -> None:
    assert read_length("1h30m") == timedelta(minutes=90)
    assert read_length("24h") == timedelta(days=1)
