"""How the service is looked at: no more often than it may be, by one at a time, never for longer than it should."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.api.sampling import Sampler, ask_together
from app.errors import PrometheusUnavailable, Unavailable

PERIOD_S = 0.3


class Count:
    """Says how often it was asked, and how many asked at once at the most."""

    def __init__(self, seconds: float = 0.0, fails: bool = False) -> None:
        self.asked = 0
        self.most = 0
        self._inside = 0
        self._seconds = seconds
        self._fails = fails

    def __call__(self) -> int:
        self.asked += 1
        self._inside += 1
        self.most = max(self.most, self._inside)
        time.sleep(self._seconds)
        self._inside -= 1
        if self._fails:
            raise PrometheusUnavailable("gone")
        return self.asked


def test_many_share_what_one_has_seen() -> None:
    count = Count(0.05)
    sampler = Sampler(count, PERIOD_S)
    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(lambda _: sampler.read(), range(200))) == {1}
    assert (count.asked, count.most) == (1, 1)
    time.sleep(PERIOD_S)
    assert sampler.read() == 2
    assert sampler.read() == 2


def test_what_failed_is_not_asked_again_at_once_either() -> None:
    count = Count(fails=True)
    sampler = Sampler(count, PERIOD_S)
    for _ in range(5):
        with pytest.raises(PrometheusUnavailable, match="gone"):
            sampler.read()
    assert count.asked == 1
    time.sleep(PERIOD_S)
    with pytest.raises(PrometheusUnavailable):
        sampler.read()
    assert count.asked == 2


def test_a_fault_of_ours_is_raised_and_never_kept() -> None:
    answers = iter([ZeroDivisionError, None])

    def make() -> str:
        error = next(answers)
        if error:
            raise error
        return "seen"

    sampler = Sampler(make, 60)
    with pytest.raises(ZeroDivisionError):
        sampler.read()
    assert sampler.read() == "seen"


def test_questions_are_asked_at_the_same_time_and_each_has_its_own_answer() -> None:
    started = time.monotonic()
    everybody_is_here = threading.Barrier(3, timeout=5)

    def gone() -> str:
        everybody_is_here.wait()
        raise PrometheusUnavailable("gone")

    def broken() -> str:
        everybody_is_here.wait()
        raise KeyError("a customer's name")

    answers = ask_together({"good": everybody_is_here.wait, "gone": gone, "broken": broken}, 5)
    assert time.monotonic() - started < 5
    assert isinstance(answers["good"], int)
    assert answers["gone"].detail == "gone"
    assert isinstance(answers["broken"], Unavailable)
    assert "customer" not in answers["broken"].detail


def test_who_hangs_is_told_of_and_the_others_have_their_answers() -> None:
    hung = threading.Event()
    try:
        started = time.monotonic()
        answers = ask_together({"hangs": lambda: hung.wait(30), "quick": lambda: "here"}, 0.3)
        assert time.monotonic() - started < 5
        assert answers["quick"] == "here"
        assert answers["hangs"].detail == "hangs: no answer within 0.3 s"
    finally:
        hung.set()
