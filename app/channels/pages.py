"""What the polling clients share: JSON answers, single orders out of a page, lists that go in circles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson

from app.channels import reading
from app.channels.base import Page
from app.errors import CallFailed, PayloadError, PushRefused
from app.model import PolledOrder
from app.outbound.door import Answer

# Pages of one run. At 100 orders a page that is more than any shop changes between two polls.
MAX_PAGES = 10_000
# Statuses below 500 that may be different the next time: credentials or rights that somebody will mend (they say
# nothing of the order), too slow, in conflict, too often.
RETRYABLE = frozenset({401, 403, 408, 409, 429})
ROOT = ""


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# Numbers as the text they were written in: money must not pass through binary fractions.
_VERBATIM = json.JSONDecoder(parse_float=orjson.Fragment, parse_int=orjson.Fragment, parse_constant=_refuse_constant)
_DECIMALS = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def load_json(answer: Answer, *, verbatim: bool = False) -> Any:
    """The JSON of an answer; numbers with a fraction as Decimal, or all as orjson.Fragment when `verbatim`.

    Raises CallFailed("bad_answer").
    """
    try:
        return (_VERBATIM if verbatim else _DECIMALS).decode(answer.body.decode("utf-8-sig"))
    except (ValueError, ArithmeticError, RecursionError):
        raise CallFailed("bad_answer", "the channel answered what is not JSON, or not all of it") from None


def load_record(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer. Raises CallFailed("bad_answer")."""
    document = load_json(answer)
    if not isinstance(document, dict):
        raise CallFailed("bad_answer", "the channel answered JSON that is not an object")
    return document


def pick(document: Any, *names: str) -> Any:
    """The value under a path of names. Raises CallFailed("bad_answer") when the path leads nowhere."""
    for name in names:
        if not isinstance(document, dict) or name not in document:
            raise CallFailed("bad_answer", f"the channel's answer has no {'.'.join(names)}")
        document = document[name]
    return document


def pick_record(document: Any, *names: str) -> dict[str, Any]:
    """The object under a path of names. Raises CallFailed("bad_answer")."""
    found = pick(document, *names)
    if not isinstance(found, dict):
        raise CallFailed("bad_answer", f"{'.'.join(names)} of the channel is not an object")
    return found


def pick_text(document: Any, *names: str) -> str:
    """The text under a path of names. Raises CallFailed("bad_answer")."""
    found = pick(document, *names)
    if not isinstance(found, str):
        raise CallFailed("bad_answer", f"{'.'.join(names)} of the channel is not a text")
    return found


def pick_id(document: Any, *names: str) -> int | str:
    """The whole number or text under a path of names. Raises CallFailed("bad_answer")."""
    found = pick(document, *names)
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise CallFailed("bad_answer", f"{'.'.join(names)} of the channel is neither a whole number nor a text")
    return found


def pick_records(document: Any, *names: str) -> list[dict[str, Any]]:
    """The list of objects under a path of names. Raises CallFailed("bad_answer")."""
    found = pick(document, *names)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise CallFailed("bad_answer", f"{'.'.join(names) or 'the answer'} of the channel is not a list of objects")
    return found


def dump_verbatim(document: Any) -> str:
    """What `load_json(verbatim=True)` gave, as JSON again. Raises CallFailed("bad_answer")."""
    try:
        try:
            return orjson.dumps(document).decode()
        except orjson.JSONEncodeError:  # half of a surrogate pair, which orjson refuses
            return orjson.dumps(_replace_halves(document)).decode()
    except (orjson.JSONEncodeError, RecursionError):
        raise CallFailed("bad_answer", "the channel's answer is nested too deeply") from None


def _replace_halves(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_replace_halves(entry) for entry in value]
    if isinstance(value, dict):
        return {_replace_halves(key): _replace_halves(entry) for key, entry in value.items()}
    return value


def read_polled(
    record: Mapping[str, Any],
    id_field: str,
    time_field: str,
    topic: str,
    payload: str,
    *,
    zoneless_is_utc: bool = False,
) -> PolledOrder:
    """One order of a page; without a version when it cannot be told which one it is, or how new."""
    try:
        version = reading.read_time(record, time_field, zoneless_is_utc=zoneless_is_utc)
        external_id = reading.need_id(record, id_field)
    except PayloadError:
        version = None
    return make_unreadable(topic, payload) if version is None else PolledOrder(external_id, version, topic, payload)


def make_unreadable(topic: str, payload: str) -> PolledOrder:
    """An order that is kept under a digest of its words: the same words again are the same one."""
    return PolledOrder(f"unreadable-{sha256(payload.encode()).hexdigest()[:16]}", None, topic, payload)


def format_time(time: datetime) -> str:
    """`2026-11-22T10:03:00Z`, in whole seconds, rounded down."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def refuse_final() -> Iterator[None]:
    """Turn an answer that will be the same every time into PushRefused."""
    try:
        yield
    except CallFailed as error:
        if error.status is not None and 400 <= error.status < 500 and error.status not in RETRYABLE:
            raise PushRefused(str(error)) from None
        raise


class PageGuard:
    """Finds a list that goes in circles. One per client; a run begins with cursor None, or with one that another
    process has left: what was seen of an earlier list says nothing of it.

    Asking for the same page again, after a crash or a failed commit, is no circle.
    """

    def __init__(self) -> None:
        self._came_from: dict[str, str] = {}
        self._contents: dict[tuple[tuple[str, datetime | None], ...], str] = {}

    def check(self, cursor: str | None, page: Page) -> Page:
        """Return `page`, which `cursor` led to. Raises CallFailed("bad_answer") when it, or its cursor, is not new."""
        here = ROOT if cursor is None else cursor
        if cursor is None or cursor not in self._came_from:
            self._came_from.clear()
            self._contents.clear()
        self._came_from.setdefault(here, ROOT)
        contents = tuple((order.external_id, order.version) for order in page.orders)
        if contents and self._contents.setdefault(contents, here) != here:
            raise CallFailed("bad_answer", "the channel answered a page that it had answered before")
        if page.next_cursor is not None:
            self._check_next(here, page.next_cursor)
        return page

    def _check_next(self, here: str, following: str) -> None:
        if following in (here, ROOT) or self._came_from.setdefault(following, here) != here:
            raise CallFailed("bad_answer", "the channel answered a cursor that it had answered before")
        if len(self._came_from) > MAX_PAGES:
            raise CallFailed("bad_answer", f"the channel's list has more than {MAX_PAGES} pages")
