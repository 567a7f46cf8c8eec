"""A log line: JSON, one line, UTC, who and what, and never the text of an exception."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.log import JsonFormatter, configure, describe_exception, request_id

CANARY = "canary-bob@example.com"


@pytest.fixture
def written() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What a logger of its own has written so far."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("worker", "worker-1"))
    logger = logging.getLogger("test.log")
    logger.handlers[:], logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().split("\n") if line]
    logger.handlers[:], logger.propagate = [], True


log = logging.getLogger("test.log")


def fail() -> None:
    try:
        int(CANARY)
    except ValueError as error:
        raise RuntimeError(f"cannot read {CANARY}") from error


def test_a_line_says_when_who_and_what(written: Callable[[], list[dict[str, Any]]]) -> None:
    log.info("delivery_stored", extra={"channel": "shopify", "order_id": 7, "duration_ms": 1.5})
    [line] = written()
    moment = datetime.fromisoformat(line.pop("time"))
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert line == {
        "level": "info",
        "logger": "test.log",
        "process": "worker",
        "instance": "worker-1",
        "event": "delivery_stored",
        "channel": "shopify",
        "order_id": 7,
        "duration_ms": 1.5,
    }


def test_the_request_id_is_the_current_one_unless_the_event_has_its_own(
    written: Callable[[], list[dict[str, Any]]],
) -> None:
    token = request_id.set("request-1")
    try:
        log.info("first")
        log.info("second", extra={"request_id": "request-2"})
    finally:
        request_id.reset(token)
    log.info("third")
    assert [line.get("request_id") for line in written()] == ["request-1", "request-2", None]


def test_an_exception_is_its_types_and_frames_without_its_text(written: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        fail()
    except RuntimeError:
        log.exception("commit_failed")
    [line] = written()
    assert CANARY not in json.dumps(line)
    assert line["level"] == "error"
    assert line["exc_info"].startswith("RuntimeError at fail:")
    assert "; from ValueError at fail:" in line["exc_info"]


def test_an_error_that_was_never_raised_is_its_type() -> None:
    assert describe_exception(ValueError(CANARY)) == "ValueError"
    assert describe_exception(None) == ""


def test_text_over_several_lines_stays_one_line(written: Callable[[], list[dict[str, Any]]]) -> None:
    log.warning("one\ntwo", extra={"detail": "three\nfour\u2028five"})
    [line] = written()
    assert (line["event"], line["detail"]) == ("one\ntwo", "three\nfour\u2028five")


def test_what_json_cannot_hold_does_not_stop_the_line(written: Callable[[], list[dict[str, Any]]]) -> None:
    log.warning("odd", extra={"some": object(), "half": "\ud800", "bytes": b"\xff"})
    assert [line["event"] for line in written()] == ["odd"]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What this process writes once it is configured as an API at level WARNING."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure("api", "api-1", "WARNING")
    yield lambda: [json.loads(line) for line in stream.getvalue().split("\n") if line]
    logging.captureWarnings(False)
    root.handlers[:], root.level = before


def test_configure_takes_over_every_logger(configured: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("some.library").warning("slow")
    logging.getLogger("some.library").info("not shown")
    logging.getLogger("rq.worker").info("not shown")
    assert [(line["event"], line["process"], line["instance"]) for line in configured()] == [("slow", "api", "api-1")]


def test_what_nobody_caught_is_a_line_without_its_text(configured: Callable[[], list[dict[str, Any]]]) -> None:
    thread = threading.Thread(target=fail, name="schema")
    thread.start()
    thread.join(10)
    try:
        fail()
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    assert CANARY not in json.dumps(configured())
    found = [(line["event"], line["level"], line["where"]) for line in configured()]
    assert found == [("uncaught_exception", "critical", "schema"), ("uncaught_exception", "critical", "main")]
    assert all(line["exc_info"].startswith("RuntimeError at fail:") for line in configured())
