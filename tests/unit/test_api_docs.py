"""docs/api.md against the code: what it says of transitions, parameters and roles is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from app.api.schemas import OrderQuery
from app.orders.transitions import PROGRESSES, TRANSITIONS
from app.store.tokens import ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def read_rows(heading: str) -> list[list[str]]:
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_table_of_transitions_is_the_codes() -> None:
    documented = {
        start: set() if end == "nothing" else set(end.split(", "))
        for starts, end in read_rows("from | to")
        for start in starts.split(", ")
    }
    assert documented == {one: set(TRANSITIONS[one]) for one in PROGRESSES}


def test_every_parameter_of_the_list_is_documented() -> None:
    names = {name for row in read_rows("parameter | meaning") for name in re.findall(r"`(\w+)`", row[0])}
    assert names == set(OrderQuery.model_fields)


def test_every_role_is_documented() -> None:
    assert [row[0] for row in read_rows("role | may")] == list(ROLES)
