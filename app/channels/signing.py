"""What the webhook channels share at the door: HMAC over the raw body, header checks, the JSON check."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from app.channels.base import MAX_ID_LENGTH, Headers
from app.errors import BadSignature, Malformed

_PRINTABLE = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_LENGTH}}}")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def sign_bytes(content: bytes, key: bytes) -> bytes:
    """The HMAC-SHA256 of `content`, in base64."""
    return b64encode(hmac.digest(key, content, "sha256"))


def check_signature(given: Iterable[str], content: bytes, keys: Sequence[bytes]) -> None:
    """Raise BadSignature unless one of the base64 texts in `given` is the signature by one of `keys`.

    The texts are compared, not what they decode to, so that each signature has exactly one spelling.
    """
    wanted = [sign_bytes(content, key) for key in keys]
    for text in given:
        candidate = text.encode("utf-8", "replace")
        if any(hmac.compare_digest(signature, candidate) for signature in wanted):
            return
    raise BadSignature("The signature is missing or does not belong to this body and this channel's secret.")


def check_label(value: str | None, name: str) -> str:
    """Return a delivery id or a topic as it is.

    Raises Malformed unless it is 1 to MAX_ID_LENGTH printable ASCII characters without white space.
    """
    if value is None or not _PRINTABLE.fullmatch(value):
        raise Malformed(f"{name} is missing, not printable ASCII, or longer than {MAX_ID_LENGTH} characters.")
    return value


def read_label(headers: Headers, name: str) -> str:
    """The header `name` as a checked label. Raises Malformed."""
    return check_label(headers.get(name), f"The header {name}")


def load_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Malformed."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _load_leniently(body)
    if not isinstance(document, dict):
        raise Malformed("The body is not a JSON object.")
    return document


def _load_leniently(body: bytes) -> Any:
    # orjson refuses half of a surrogate pair. JavaScript senders write one whenever they cut a text inside an
    # emoji, and a note cut short is no reason to lose an order.
    if _SURROGATE_ESCAPE.search(body):
        try:
            return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            pass
    raise Malformed("The body is not JSON.") from None  # what could not be decoded holds the whole body


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def check_body_id(document: dict[str, Any]) -> None:
    """Raise Malformed unless the document has an `id` that is a whole number or a text."""
    value = document.get("id")
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise Malformed("The body has no id.")
