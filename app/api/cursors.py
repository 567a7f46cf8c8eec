"""Cursors of pages: opaque to callers, checked when they come back."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Response, request

from app.errors import Malformed
from app.store.order_reads import PageKey

_MAX_ID = 2**63 - 1
_TEXT = re.compile(r"([0-9T:.+-]{1,40})~(\d{1,19})")
_ID = re.compile(r"\d{1,19}")


def encode_page_key(key: PageKey) -> str:
    return _encode(f"{key.placed_at.isoformat()}~{key.id}")


def decode_page_key(cursor: str) -> PageKey:
    """Raises Malformed when it is not one of ours."""
    match = _TEXT.fullmatch(_decode(cursor))
    if match is None:
        raise _refuse()
    try:
        placed_at = datetime.fromisoformat(match[1])
        if placed_at.tzinfo is None:
            raise _refuse()
        in_utc = placed_at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _refuse() from error
    return PageKey(in_utc, _check_id(match[2]))


def encode_id(last_id: int) -> str:
    return _encode(str(last_id))


def decode_id(cursor: str) -> int:
    """Raises Malformed when it is not one of ours."""
    text = _decode(cursor)
    if not _ID.fullmatch(text):
        raise _refuse()
    return _check_id(text)


def link_next(response: Response, cursor: str | None) -> None:
    """Name the next page in the Link header, with the same filters; nothing on the last page."""
    if cursor is not None:
        query = urlencode({**request.args.to_dict(), "cursor": cursor})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _refuse() from error


def _check_id(digits: str) -> int:
    if int(digits) > _MAX_ID:
        raise _refuse()
    return int(digits)


def _refuse() -> Malformed:
    return Malformed("cursor: is not one of ours; take it unchanged from `next` of the page before")
