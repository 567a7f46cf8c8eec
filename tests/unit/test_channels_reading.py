"""Reading fields: what is absent, what is exact, what PostgreSQL can hold, and errors that quote nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from app.channels import CHANNELS, WEBHOOKS, reading, sample
from app.errors import PayloadError

CANARY = "canary-7f3a@example.com"


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        (r"a\u0000b", "a\ufffdb"),
        (r"a\ud83d", "a\ufffd"),
        (r"\udc00b", "\ufffdb"),
        (r"\uD83D\u0000", "\ufffd\ufffd"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "\N{GRINNING FACE}"),
        (r"\\u0000", r"\u0000"),
        (r"\\ud83d", r"\ud83d"),
    ],
)
def test_what_postgresql_cannot_hold_is_replaced(escaped: str, expected: str) -> None:
    document = reading.decode(f'{{"a": "{escaped}", "{escaped}": [{{"b": "{escaped}"}}]}}')
    assert document == {"a": expected, expected: [{"b": expected}]}
    expected.encode("utf-8")


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": 1e99999999999999999999}',
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a": "\\u0000", "b":' + "[" * 100_000 + "]" * 100_000 + "}",
        "\ufeff{}",
    ],
)
def test_payload_that_cannot_be_decoded_is_a_payload_error(payload: str) -> None:
    with pytest.raises(PayloadError, match="payload is not"):
        reading.decode(payload)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1.10", "1.10"),
        ('"1.10"', "1.10"),
        ("0.1", "0.1"),
        ("16.666666666666667406815", "16.666666666666667406815"),
        ('"-0.000000000000000000000000000000000000001"', "-1E-39"),
        ("12", "12"),
        ("1e3", "1E+3"),
        ('"1E-7"', "1E-7"),
        ('".5"', "0.5"),
        ('"5."', "5"),
        ('"+5"', "5"),
        ("99999999999999999999", "99999999999999999999"),
    ],
)
def test_decimal_keeps_its_digits(written: str, expected: str) -> None:
    number = reading.need_decimal(reading.decode(f'{{"n": {written}}}'), "n")
    assert number == Decimal(expected)
    assert number.as_tuple() == Decimal(expected).as_tuple()


@pytest.mark.parametrize("written", ["null", '""'])
def test_absent_decimal(written: str) -> None:
    record = reading.decode(f'{{"n": {written}}}')
    assert reading.read_decimal(record, "n") is None
    assert reading.read_decimal({}, "n") is None
    with pytest.raises(PayloadError, match=r"^n is missing$"):
        reading.need_decimal(record, "n")


@pytest.mark.parametrize(
    "written",
    [
        '"NaN"', '"Infinity"', '"1_000"', '"1,5"', '"0x10"', '" 1"', '"١"', '"."', '"-"', "true", "[]", "{}",
        '"1e99999"', "1e21", '"1e20"', "100000000000000000000", "1e-41", '"0.' + "0" * 40 + '1"', "0e500",
        '"' + "9" * 400 + '"',
    ],
)  # fmt: skip
def test_what_is_no_amount_is_a_payload_error(written: str) -> None:
    with pytest.raises(PayloadError, match=r"^n (is not a decimal number|has too many digits)$"):
        reading.read_decimal(reading.decode(f'{{"n": {written}}}'), "n")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22t10:00:00z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22 10:00:00+00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00-05:30", datetime(2026, 11, 22, 15, 30, tzinfo=UTC)),
        ("2026-11-22T10:00:00.123456789Z", datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_time_is_utc(value: str | None, expected: datetime | None) -> None:
    assert reading.read_time({"t": value}, "t") == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22",
        "20261122T100000Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-22T25:00:00Z",
        "2026-11-22T10:00:00 CET",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "yesterday",
        1_790_000_000,
        True,
        [],
    ],
)
def test_what_is_no_time_is_a_payload_error(value: object) -> None:
    with pytest.raises(PayloadError, match=r"^t is not a date and time$"):
        reading.read_time({"t": value}, "t")


def test_time_without_offset_is_utc_only_where_the_channel_says_so() -> None:
    record = {"t": "2026-11-22T10:00:00"}
    assert reading.read_time(record, "t", zoneless_is_utc=True) == datetime(2026, 11, 22, 10, tzinfo=UTC)
    with pytest.raises(PayloadError, match=r"^t has no offset from UTC$"):
        reading.read_time(record, "t")


@pytest.mark.parametrize("value", [None, "", "   ", False])
def test_blank_text_is_absent(value: object) -> None:
    assert reading.read_text({"t": value}, "t") is None


@pytest.mark.parametrize(("value", "expected"), [(" a ", "a"), (4101, "4101"), (Decimal("1.50"), "1.50")])
def test_text(value: object, expected: str) -> None:
    assert reading.read_text({"t": value}, "t") == expected


@pytest.mark.parametrize(("value", "expected"), [(7, "7"), ("7", "7"), (" A-1 ", "A-1"), ("x" * 200, "x" * 200)])
def test_id(value: object, expected: str) -> None:
    assert reading.need_id({"id": value}, "id") == expected


@pytest.mark.parametrize("value", [True, Decimal("1.0"), [], {}, "x" * 201, int("9" * 300), None, "", " "])
def test_what_is_no_id_is_a_payload_error(value: object) -> None:
    with pytest.raises(PayloadError, match=r"^id "):
        reading.need_id({"id": value}, "id")


def test_wrong_kinds_are_payload_errors() -> None:
    for read, value in (
        (reading.read_text, True),
        (reading.read_text, ["a"]),
        (reading.read_flag, "yes"),
        (reading.read_record, [1]),
        (reading.read_record, "a"),
        (reading.read_list, {}),
        (reading.read_texts, [{}]),
    ):
        with pytest.raises(PayloadError, match=r"^f is n"):
            read({"f": value}, "f")


@pytest.mark.parametrize("channel", sorted(WEBHOOKS))
def test_errors_never_quote_the_payload(channel: str) -> None:
    """Every field of the sample is spoilt in turn; no message repeats what stood there."""
    door, complaints = WEBHOOKS[channel], []
    document = orjson.loads(sample(channel))

    def spoil(container: Any, key: Any) -> None:
        kept = container[key]
        for wrong in (CANARY, [CANARY], {CANARY: CANARY}, True):
            container[key] = wrong
            try:
                CHANNELS[channel].parse(door.choose_topic(orjson.dumps(document)), orjson.dumps(document).decode())
            except PayloadError as error:
                complaints.append(str(error))
        container[key] = kept
        if isinstance(kept, dict | list):
            for inner in list(kept) if isinstance(kept, dict) else range(len(kept)):
                spoil(kept, inner)

    for field in document:
        spoil(document, field)
    assert len(complaints) > 50
    assert not [complaint for complaint in complaints if CANARY in complaint or len(complaint) > 200]
