"""Every input that the fuzzer has kept, and every one that once broke a promise, holds to it now."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from app.channels import CHANNELS, reading
from app.errors import PayloadError
from tests.fuzz.keep import LARGEST_CORPUS, choose, shrink, write_corpus
from tests.fuzz.mutate import change_json
from tests.fuzz.oracle import check_error, check_value, list_targets

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"
TARGETS = list_targets()
INPUTS = [
    *(
        pytest.param(run, data, id=f"{name}/seed{n}")
        for name, (run, all_) in TARGETS.items()
        for n, data in enumerate(all_)
    ),
    *(
        pytest.param(run, path.read_bytes(), id=f"{name}/{path.name}")
        for name, (run, _) in TARGETS.items()
        for path in sorted((CORPUS / name).glob("*"))
    ),
]
LONGEST_S = 2.0  # of this process' own time; the slowest takes hundredths


@pytest.mark.parametrize(("run", "data"), INPUTS)
def test_no_input_breaks_a_promise(run: Callable[[bytes], None], data: bytes) -> None:
    started = time.process_time()
    run(data)
    assert time.process_time() - started < LONGEST_S


def test_the_corpus_belongs_to_targets_and_is_small() -> None:
    folders = {str(path.parent.relative_to(CORPUS)) for path in CORPUS.rglob("*") if path.is_file()}
    assert folders
    assert folders <= set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 500_000


def test_every_channel_is_fuzzed() -> None:
    for name, channel in CHANNELS.items():
        assert f"{name}/parse" in TARGETS
        assert (f"{name}/webhook" in TARGETS) == (channel.webhook is not None)
        assert (f"{name}/client" in TARGETS) == (channel.api is not None)


def test_an_error_that_quotes_is_found() -> None:
    check_error(PayloadError("line_items[3]: price is missing"))
    with pytest.raises(AssertionError, match="Marktstra"):
        check_error(PayloadError("billing: Marktstra\u00dfe 5 is not a text"))
    with pytest.raises(AssertionError, match="5550100"):
        check_error(PayloadError("phone: 5550100 is not a text"))
    try:
        try:
            int("5550100x")
        except ValueError as error:
            raise PayloadError("phone is not a text") from error
    except PayloadError as error:
        with pytest.raises(AssertionError, match="cause"):
            check_error(error)


@pytest.mark.parametrize("value", ["", "a\0b", "\ud800", ("a", ("",))])
def test_what_cannot_be_stored_is_found(value: object) -> None:
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        check_value(value)


def test_changed_json_is_json() -> None:
    for seed in range(200):
        changed = change_json(b'topic\n{"a": [1, {"b": "x"}], "c": null}', 1, Random(seed))
        assert changed
        assert changed.startswith(b"topic\n")
        assert reading.decode('{"all": ' + changed.partition(b"\n")[2].decode() + "}")
    assert change_json(b"topic\nno json", 1, Random(1)) is None


def test_inputs_are_kept_for_new_lines_only_and_made_small(tmp_path: Path) -> None:
    def run(data: bytes) -> None:
        reading.read_flag(reading.decode(data.partition(b"\n")[2].decode()), "flag")

    plain, flag = b'\n{"x": [1, 2, 3]}', b'\n{"flag": true, "x": {"y": [1, 2]}}'
    escaped = b'\n{"flag": null, "x": ["\\u0000", {"more": 5}]}'
    assert choose(run, 1, [plain], [plain, flag]) == []
    (kept,) = choose(run, 1, [plain, flag], [flag, escaped])
    assert kept != escaped
    assert len(kept) < len(escaped)
    assert shrink(b"\nno json", 1, lambda _: True) == b"\nno json"
    assert write_corpus(tmp_path, [kept, kept, b"x" * LARGEST_CORPUS]) == 1
