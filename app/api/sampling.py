"""Asking several servers at the same time, and not more often than somebody can read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from app.errors import AnswerableError, Unavailable

log = logging.getLogger(__name__)

Made = TypeVar("Made")


class Sampler(Generic[Made]):
    """What `make` made last, made anew when it is older than `period_s` seconds.

    By one caller at a time: the others wait for it, so `make` must be bounded. An error is kept as long.
    """

    def __init__(self, make: Callable[[], Made], period_s: float) -> None:
        self._make = make
        self._period_s = period_s
        self._lock = threading.Lock()
        self._begun: float | None = None
        self._made: list[Made] = []
        self._error: AnswerableError | None = None

    def read(self) -> Made:
        """Raises what `make` raises."""
        with self._lock:
            now = time.monotonic()
            if self._begun is None or now - self._begun >= self._period_s:
                self._begun = now
                self._renew()
            if self._error is not None:
                raise type(self._error)(self._error.detail)
            return self._made[0]

    def _renew(self) -> None:
        try:
            self._made[:] = [self._make()]
            self._error = None
        except AnswerableError as error:
            self._error = error
        except BaseException:
            self._begun = None  # a fault of ours: nothing was made, and nothing may look as if
            raise


def ask_together(questions: Mapping[str, Callable[[], Any]], deadline_s: float) -> dict[str, Any]:
    """What each question answered, or the AnswerableError why not, within `deadline_s` seconds whatever hangs.

    Each question in a thread of its own (a greenlet under gevent). One that outlives the deadline runs on alone:
    each must have its own.
    """
    found: dict[str, Any] = {}

    def ask(name: str, question: Callable[[], Any]) -> None:
        try:
            found[name] = question()
        except AnswerableError as error:
            found[name] = error
        except Exception:
            log.exception("question_failed", extra={"question": name})
            found[name] = Unavailable(f"{name}: the answer could not be read")

    end = time.monotonic() + deadline_s
    threads = [
        threading.Thread(target=ask, args=(name, question), name=f"ask-{name}", daemon=True)
        for name, question in questions.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {name: found.get(name, Unavailable(f"{name}: no answer within {deadline_s:g} s")) for name in questions}
