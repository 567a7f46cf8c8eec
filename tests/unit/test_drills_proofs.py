"""Every alert is proven by a recorded drill, or says why it is not; nothing is claimed of alerts that do not exist."""

from __future__ import annotations

from drills.drill import list_drills
from drills.listing import describe_drills
from rules.files import fits, read_alerts
from rules.proofs import find_reason, read_proofs, read_unproven

ALERTS = {alert.path: alert for alert in read_alerts()}
SHORTEST_REASON = 20  # letters; "later" is none


def test_every_alert_is_proven_or_says_why_not() -> None:
    proofs = read_proofs()
    reasons = read_unproven()
    open_ones = sorted(
        "/".join(path)
        for path, alert in ALERTS.items()
        if not any(one.proves(alert) for one in proofs) and find_reason(reasons, alert) is None
    )
    assert open_ones == [], "run `palmonas drill` for them, or give a reason in drills/unproven.yml"


def test_every_record_is_of_a_drill_and_an_alert_that_exist() -> None:
    names = {drill.name for drill in list_drills()}
    for proof in read_proofs():
        assert proof.drill in names, f"{proof.drill} is in docs/drills.json and not in drills/faults"
        assert any(map(proof.proves, ALERTS.values())), f"docs/drills.json: {proof.drill} proves no alert of ours"
        # Prometheus is looked at every 0.2 s, the receiver hears at once
        assert 0 <= proof.firing_s <= proof.notified_s + 0.5, proof.drill


def test_every_reason_is_of_an_alert_that_exists_and_is_not_proven() -> None:
    proofs = read_proofs()
    for wanted, reason in read_unproven().items():
        meant = [alert for path, alert in ALERTS.items() if fits(wanted, *path)]
        assert meant, f"drills/unproven.yml: there is no alert {wanted}"
        is_open = any(not any(one.proves(alert) for one in proofs) for alert in meant)
        assert is_open, f"drills/unproven.yml: {wanted} is proven by now"
        assert len(reason) >= SHORTEST_REASON, wanted


def test_the_list_names_every_drill_and_every_alert() -> None:
    text = describe_drills()
    for drill in list_drills():
        assert drill.name in text
    for name, severity, kind in ALERTS:
        assert f"{name} ({severity}{kind and ' '}{kind})" in text


def test_no_two_alerts_are_told_apart_by_nothing() -> None:
    assert len(ALERTS) == len(read_alerts())
