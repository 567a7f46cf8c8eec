"""Reading a channel's JSON, field by field.

`read_*` gives None for what is absent, `need_*` raises. Every error is a PayloadError that names the field
and never quotes its value: values are the customer's data, and errors are shown and logged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, TypeVar

import orjson

from app.channels.base import MAX_ID_LENGTH
from app.errors import PayloadError
from app.model import PrivacyRequest

Record = Mapping[str, Any]
_NUMBERS = (int, Decimal)
_ID_TYPES = (int, str)
T = TypeVar("T")

# PostgreSQL's text holds neither NUL nor half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSTORABLE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,40})?")  # what nearly all are: needs no second look
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}.*")

# Far beyond any money, far within numeric: 20 digits before the point, 40 after it.
_LARGEST_DIGIT, _SMALLEST_DIGIT = 19, -40
# Sums and products of such numbers are exact in it.
EXACT = Context(prec=200)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECIMALS = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
# Every number as the text it was written in, to be written again as it is.
_VERBATIM = json.JSONDecoder(parse_float=orjson.Fragment, parse_int=orjson.Fragment, parse_constant=_refuse_constant)


def decode(payload: str) -> dict[str, Any]:
    """The JSON object in `payload`, numbers with a fraction as Decimal. Raises PayloadError."""
    return _decode(payload, _DECIMALS)


def _decode(payload: str, decoder: json.JSONDecoder) -> dict[str, Any]:
    try:
        document = decoder.decode(payload)
        if _UNSTORABLE_ESCAPE.search(payload):
            document = _clean(document)
    except (ValueError, ArithmeticError, RecursionError):
        raise PayloadError("the payload is not JSON, or nested too deeply") from None
    if not isinstance(document, dict):
        raise PayloadError("the payload is not a JSON object")
    return document


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_clean(entry) for entry in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(entry) for key, entry in value.items()}
    return value


def rewrite(body: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """`body` with `change` applied to its object; every number keeps its digits. Raises PayloadError."""
    try:
        document = _decode(body.decode("utf-8"), _VERBATIM)
        change(document)
        return orjson.dumps(document)
    except (UnicodeDecodeError, orjson.JSONEncodeError):
        raise PayloadError("the payload is not JSON in UTF-8, or nested too deeply") from None


def read_text(record: Record, field: str) -> str | None:
    """A text without the white space around it; blank is absent, and so is PHP's `false`."""
    value = record.get(field)
    if value is None or value is False:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, _NUMBERS) and value is not True:
        return str(value)
    raise PayloadError(f"{field} is not a text")


def need_text(record: Record, field: str) -> str:
    return _need(read_text(record, field), field)


def read_id(record: Record, field: str) -> str | None:
    """An identifier: a whole number or a text of at most MAX_ID_LENGTH characters."""
    value = record.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, _ID_TYPES):
        raise PayloadError(f"{field} is neither a whole number nor a text")
    text = str(value).strip()
    if len(text) > MAX_ID_LENGTH:
        raise PayloadError(f"{field} is longer than {MAX_ID_LENGTH} characters")
    return text or None


def need_id(record: Record, field: str) -> str:
    return _need(read_id(record, field), field)


def read_ids(record: Record, field: str) -> tuple[str, ...]:
    """The identifiers of a list."""
    return tuple(need_id({field: entry}, field) for entry in read_list(record, field))


def read_decimal(record: Record, field: str) -> Decimal | None:
    """A decimal number, written as a number or as a text, with exactly the digits it was written with."""
    value = record.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if _PLAIN_NUMBER.fullmatch(value):
            return Decimal(value)
        if not _NUMBER.fullmatch(value):
            raise PayloadError(f"{field} is not a decimal number")
    elif isinstance(value, bool) or not isinstance(value, _NUMBERS):
        raise PayloadError(f"{field} is not a decimal number")
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < _SMALLEST_DIGIT or number.adjusted() > _LARGEST_DIGIT:
        raise PayloadError(f"{field} has too many digits")
    return number


def need_decimal(record: Record, field: str) -> Decimal:
    return _need(read_decimal(record, field), field)


def read_time(record: Record, field: str, *, zoneless_is_utc: bool = False) -> datetime | None:
    """A date and time in ISO 8601, as UTC. Without an offset it is an error, unless `zoneless_is_utc`."""
    value = record.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise PayloadError(f"{field} is not a date and time")
    try:
        time = datetime.fromisoformat(value.upper())
        if time.tzinfo is None:
            if not zoneless_is_utc:
                raise PayloadError(f"{field} has no offset from UTC")
            return time.replace(tzinfo=UTC)
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PayloadError(f"{field} is not a date and time") from None


def need_time(record: Record, field: str) -> datetime:
    return _need(read_time(record, field), field)


def read_flag(record: Record, field: str) -> bool:
    """True or False; absent is False."""
    value = record.get(field)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise PayloadError(f"{field} is neither true nor false")


def read_record(record: Record, field: str) -> Record:
    """An object; an empty one when it is absent, or the empty list that PHP writes for it."""
    value = record.get(field)
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise PayloadError(f"{field} is not an object")
    return value


def read_list(record: Record, field: str) -> list[Any]:
    value = record.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise PayloadError(f"{field} is not a list")
    return value


def read_each(record: Record, field: str, read_one: Callable[[Record], T]) -> tuple[T, ...]:
    """`read_one` for every object of a list; its errors are led by the place in the list."""
    found = []
    for place, entry in enumerate(read_list(record, field)):
        try:
            if not isinstance(entry, dict):
                raise PayloadError("is not an object")
            found.append(read_one(entry))
        except PayloadError as error:
            raise PayloadError(f"{field}[{place}]: {error}") from None
    return tuple(found)


def read_texts(record: Record, field: str) -> tuple[str, ...]:
    """The texts of a list, blank ones left out."""
    found = (read_text({field: entry}, field) for entry in read_list(record, field))
    return tuple(text for text in found if text)


def add_exactly(numbers: Iterable[Decimal]) -> Decimal | None:
    """The exact sum, or None when there is nothing to add."""
    total: Decimal | None = None
    for number in numbers:
        total = number if total is None else EXACT.add(total, number)
    return total


def add_each(record: Record, field: str, amount: str) -> Decimal | None:
    """The exact sum of the decimal `amount` of every object of a list, or None when there is none."""
    return add_exactly(read_each(record, field, lambda entry: need_decimal(entry, amount)))


def read_full_name(record: Record) -> str | None:
    """`first_name` and `last_name` as one text."""
    names = read_text(record, "first_name"), read_text(record, "last_name")
    return " ".join(name for name in names if name) or None


def need_person(request: PrivacyRequest) -> PrivacyRequest:
    """A request about somebody. Raises PayloadError when it names nobody and no order."""
    if not (request.customer_external_id or request.email or request.order_external_ids):
        raise PayloadError("the request names no customer and no order")
    return request


def _need(value: T | None, field: str) -> T:
    if value is None:
        raise PayloadError(f"{field} is missing")
    return value
