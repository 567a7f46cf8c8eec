"""Cursors: what goes out comes back, and nothing else does."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.cursors import decode_id, decode_page_key, encode_id, encode_page_key
from app.errors import Malformed
from app.store.order_reads import PageKey, escape_like

IDS = st.integers(1, 2**63 - 1)
TIMES = st.datetimes(
    min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)  # noqa: DTZ001 - st wants naive bounds
)  # fmt: skip


@given(TIMES, IDS)
def test_page_keys_survive_the_round_trip(placed_at: datetime, order_id: int) -> None:
    key = PageKey(placed_at, order_id)
    assert decode_page_key(encode_page_key(key)) == key


@given(IDS)
def test_ids_survive_the_round_trip(inbox_id: int) -> None:
    assert decode_id(encode_id(inbox_id)) == inbox_id


def test_a_page_key_keeps_its_instant_whatever_its_zone() -> None:
    placed_at = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=-5, minutes=-30)))
    assert decode_page_key(encode_page_key(PageKey(placed_at, 7))).placed_at == placed_at


@given(st.text(max_size=60))
def test_text_that_is_no_cursor_is_refused_and_never_crashes(text: str) -> None:
    for decode, encode in ((decode_page_key, encode_page_key), (decode_id, encode_id)):
        try:
            key = decode(text)
        except Malformed:
            continue
        assert decode(encode(key)) == key


@pytest.mark.parametrize(
    "inner",
    ["", "1", "2026-01-01T00:00:00~1", "2026-01-01T00:00:00+00:00~99999999999999999999",
     "2026-01-01T00:00:00+00:00~9223372036854775808", "2026-01-01T00:00:00+00:00~1; DROP TABLE orders",
     "yesterday~1", "2026-13-01T00:00:00+00:00~1", "2026-01-01T00:00:00+00:00~\u0661"],
)  # fmt: skip
def test_a_forged_page_key_is_refused(inner: str) -> None:
    forged = base64.urlsafe_b64encode(inner.encode()).decode().rstrip("=")
    with pytest.raises(Malformed):
        decode_page_key(forged)


@pytest.mark.parametrize("inner", ["", "-1", "abc", "9223372036854775808", "1 OR 1=1"])
def test_a_forged_id_is_refused(inner: str) -> None:
    with pytest.raises(Malformed):
        decode_id(base64.urlsafe_b64encode(inner.encode()).decode())


def test_like_takes_every_character_literally() -> None:
    assert escape_like(r"50%_\x") == r"50\%\_\\x"
