"""The one way to log: JSON lines on standard error, UTC, no personal data and no secret.

An event is a fixed snake_case name; everything that varies is a field: `log.info("delivery_accepted",
extra={"channel": ...})`. Exceptions are logged as type and frames, never with their text: the text of a
database or parse error quotes the customer's data.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class JsonFormatter(OrjsonFormatter):
    """`time`, `level`, `logger`, `process`, `instance`, `event`, `request_id`, then the fields of the event."""

    def __init__(self, process: str, instance: str = "") -> None:
        super().__init__("%(levelname)s %(name)s %(message)s", rename_fields={"message": "event"})
        self._process = process
        self._instance = instance

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        log_data["level"] = log_data.pop("levelname", record.levelname).lower()
        log_data["logger"] = log_data.pop("name", record.name)
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["process"] = self._process
        log_data["instance"] = self._instance
        if "request_id" not in log_data and (current := request_id.get()):
            log_data["request_id"] = current

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        try:
            return super().jsonify_log_record(log_data)
        except TypeError:  # orjson refuses half a surrogate pair; an event is worth more than its speed
            return json.dumps(log_data, default=repr)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging calls it by this name
        return describe_exception(ei[1])


def describe_exception(error: BaseException | None) -> str:
    """The chain of an exception as types and frames, without the messages."""
    parts = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        where = " <- ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
        parts.append(f"{type(error).__qualname__} at {where}" if where else type(error).__qualname__)
        error = error.__cause__ or error.__context__
    return "; from ".join(parts)


def configure(process: str, instance: str, level: str = "INFO") -> None:
    """Send every logger of this process, libraries included, through one JSON handler.

    `process` is what it is (api, worker, ...), `instance` which one.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process, instance))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("rq", "rq.worker", "rq.job", "alembic", "urllib3", "gunicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.getLevelName(level), logging.WARNING))
    logging.captureWarnings(True)
    sys.excepthook = lambda *exc_info: log_uncaught("main", exc_info)
    threading.excepthook = lambda args: log_uncaught(
        args.thread.name if args.thread else "thread", (args.exc_type, args.exc_value, args.exc_traceback)
    )


def log_uncaught(where: str, exc_info: Any) -> None:
    """One line instead of Python's traceback, whose last line is the exception's text."""
    logging.getLogger(__name__).critical("uncaught_exception", exc_info=exc_info, extra={"where": where})
