"""Changes to an input that leave its body JSON: bytes changed at random rarely get past the decoder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    10**400,
    "",
    " ",
    "0",
    "-0.00",
    "1e400",
    "NaN",
    "\0",
    "\ud800",
    "&#0;",
    "&#x110000;",
    f"&#{'9' * 4400};",
    "x" * 300,
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-11-22",
    "2026-11-22T10:00:00.123456789Z",
    [],
    {},
    [None],
    [[]],
    {"": {}},
)


def change_json(data: bytes, lines: int, dice: Random) -> bytes | None:
    """`data` with one to four places of the JSON after its first `lines` lines changed; None when that is no JSON."""
    *head, body = data.split(b"\n", lines)
    try:
        document = json.loads(body)
        for _ in range(dice.randint(1, 4)):
            document = change_place(document, dice)
        text = json.dumps(document, ensure_ascii=dice.random() < 0.8)
        return b"\n".join([*head, text.encode("utf-8", "replace")])
    except (ValueError, RecursionError):
        return None


def change_place(document: Any, dice: Random) -> Any:
    places = list(list_places(document))
    if not places:
        return deepcopy(dice.choice(VALUES))
    container, key = dice.choice(places)
    match dice.randrange(6):
        case 0:
            del container[key]
        case 1:  # what stands elsewhere
            container[key] = deepcopy(dice.choice([one[name] for one, name in places]))
        case 2:  # one layer more
            container[key] = dice.choice([[container[key]], {"id": container[key]}, [container[key]] * 2])
        case 3 if isinstance(container[key], str):
            text = container[key]
            cut = dice.randint(0, len(text))
            container[key] = text[:cut] + str(dice.choice(VALUES)) + text[cut:]
        case 4 if isinstance(container[key], str | int):  # a number as a text, a text as a number
            container[key] = str(container[key]) if isinstance(container[key], int) else len(container[key])
        case _:
            container[key] = deepcopy(dice.choice(VALUES))
    return document


def list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key within `value`."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from list_places(value[key])
