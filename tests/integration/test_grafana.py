"""`palmonas grafana` against a server that answers as Grafana's API does: tests/grafana.py tells the sources."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.errors import PalmonasError
from cli.grafana import OURS, grafana, read_moment
from dashboards import grafana as dashboards_grafana
from dashboards.events import EVENTS, tell_event
from dashboards.frame import start
from dashboards.push import normalise
from tests.grafana import EDITOR, VIEWER, FakeGrafana

UIDS = sorted(path.stem for path in OURS.glob("*.json"))
FIRST, LAST = UIDS[0], UIDS[-1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGrafana]:
    with FakeGrafana() as fake:
        monkeypatch.setenv("PALMONAS_GRAFANA_URL", fake.url)
        monkeypatch.setenv("PALMONAS_GRAFANA_TOKEN", EDITOR)
        yield fake


def run(*arguments: str) -> Result:
    return CliRunner().invoke(grafana, arguments)


def succeed(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def refuse(*arguments: str) -> str:
    """The one sentence of a command that cannot do its work; never a traceback."""
    done = run(*arguments)
    assert isinstance(done.exception, PalmonasError), (done.output, done.exception)
    return str(done.exception)


def read_ours(uid: str) -> dict[str, Any]:
    board: dict[str, Any] = json.loads((OURS / f"{uid}.json").read_text(encoding="utf-8"))
    return board


def edit(uid: str, title: str = "edited by hand") -> dict[str, Any]:
    board = read_ours(uid)
    board["panels"][0]["title"] = title
    return board


# --- push -----------------------------------------------------------------------------------------------------------
def test_push_creates_folder_and_dashboards_then_leaves_them(server: FakeGrafana) -> None:
    said = succeed("push")
    assert server.folders == {"palmonas": "Palmonas"}
    assert sorted(server.boards) == UIDS
    assert f"made the folder palmonas\ncreated {FIRST}\n" in said
    assert f"{len(UIDS)} created, 0 changed, 0 left at {server.url}" in said
    for uid, stored in server.boards.items():
        assert normalise(stored.board) == normalise(read_ours(uid))
    server.asked.clear()
    assert f"0 created, 0 changed, {len(UIDS)} left" in succeed("push")
    assert not [one for one in server.asked if not one.startswith("GET")]


def test_push_mends_what_was_edited_and_says_which(server: FakeGrafana) -> None:
    succeed("push")
    server.put(edit(LAST))
    said = succeed("push", "--message", "release 7")
    assert f"changed {LAST}" in said
    assert f"0 created, 1 changed, {len(UIDS) - 1} left" in said
    assert normalise(server.boards[LAST].board) == normalise(read_ours(LAST))
    assert server.boards[LAST].board["version"] == 3
    assert server.boards[LAST].versions == ["release 7"]


def test_dry_run_asks_and_changes_nothing(server: FakeGrafana) -> None:
    server.folders["palmonas"] = "Palmonas"
    server.put(edit(LAST))
    before = server.show()
    said = succeed("push", "--dry-run")
    assert f"would change {LAST}" in said
    assert f"{len(UIDS) - 1} to create, 1 to change, 0 to leave" in said
    assert server.show() == before
    assert not [one for one in server.asked if not one.startswith("GET")]


def test_push_takes_anyones_files_and_another_folder(server: FakeGrafana, tmp_path: Path) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps({"uid": "theirs", "title": "Theirs"}), encoding="utf-8")
    succeed("push", str(path), "--folder", "team", "--folder-title", "Team")
    assert server.folders == {"team": "Team"}
    assert server.boards["theirs"].folder == "team"


@pytest.mark.parametrize(
    ("folder", "provisioned", "said"),
    [
        ("other", False, f"{LAST} lives in the folder 'Other' (other): move it, or say --folder"),
        ("", False, f"{LAST} lives in no folder: move it"),
        ("palmonas", True, f"{LAST} comes from a file of that server (provisioned)"),
    ],
)
def test_a_uid_that_is_not_ours_stops_everything(
    server: FakeGrafana, folder: str, provisioned: bool, said: str
) -> None:
    server.folders |= {"palmonas": "Palmonas", "other": "Other"}
    server.put(edit(FIRST), "palmonas", provisioned=provisioned)
    server.put(edit(LAST), folder, provisioned=provisioned)
    before = server.show()
    sentence = refuse("push")
    assert said in sentence
    assert "nothing was changed" in sentence
    assert server.show() == before


def test_all_conflicts_are_told_at_once(server: FakeGrafana) -> None:
    server.put(edit(FIRST), "a")
    server.put(edit(LAST), "b")
    sentence = refuse("push")
    assert f"{FIRST} lives" in sentence
    assert f"{LAST} lives" in sentence


def test_a_token_that_may_only_read_is_refused_before_anything_is_tried(
    server: FakeGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALMONAS_GRAFANA_TOKEN", VIEWER)
    sentence = refuse("push")
    assert "lacks folders:create: give its service account the role Editor" in sentence
    assert VIEWER not in sentence
    assert server.show() == {"folders": {}, "boards": {}}
    server.folders["palmonas"] = "Palmonas"
    server.put(edit(LAST))
    before = server.show()
    sentence = refuse("push")
    assert "may not save into the folder 'Palmonas'" in sentence
    assert "lacks dashboards:create, dashboards:delete, dashboards:write" in sentence
    assert server.show() == before


# --- a failure in the middle -----------------------------------------------------------------------------------------
class Failing(FakeGrafana):
    """Breaks at the save of one dashboard, or of the folder."""

    uid = LAST
    how: Any = (500, {"message": "database is locked"})

    def save(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["dashboard"]["uid"] == self.uid and body["message"] != "a push failed: as before":
            if self.how == "late":
                super().save(body)
                return 0, None
            if self.how == "overtaken":
                self.put(edit(self.uid, "somebody was faster"))
                return super().save(body)
            answer: tuple[int, Any] = self.how
            return answer
        return super().save(body)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    monkeypatch.setattr(dashboards_grafana, "DEADLINE_S", 1.5)
    with Failing() as fake:
        monkeypatch.setenv("PALMONAS_GRAFANA_URL", fake.url)
        monkeypatch.setenv("PALMONAS_GRAFANA_TOKEN", EDITOR)
        yield fake


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ((500, {"message": "database is locked"}), "Grafana refused: Server Error 500: database is locked"),
        ((403, {"message": "Access denied to save dashboard"}), "the token may not do this"),
        ((200, "<html>log in</html>"), "is not Grafana's API"),
        ((0, None), "did not answer within"),
        ("late", "did not answer within"),
    ],
)
@pytest.mark.parametrize("was_there", [False, True])
def test_what_was_there_is_put_back(failing: Failing, how: Any, said: str, was_there: bool) -> None:
    failing.how = how
    if was_there:
        failing.folders["palmonas"] = "Palmonas"
        failing.put(edit(FIRST))
        failing.put(edit(LAST))
    before = failing.show()
    sentence = refuse("push")
    assert said in sentence
    assert f"({LAST}); all is as it was before" in sentence
    assert failing.show() == before


def test_an_edit_in_between_is_not_overwritten(failing: Failing) -> None:
    failing.how = "overtaken"
    failing.folders["palmonas"] = "Palmonas"
    failing.put(edit(LAST))
    assert "412: The dashboard has been changed by someone else" in refuse("push")
    assert failing.boards[LAST].board["panels"][0]["title"] == "somebody was faster"
    assert list(failing.boards) == [LAST]


def test_what_cannot_be_put_back_is_told(failing: Failing) -> None:
    failing.breaks[f"DELETE /dashboards/uid/{FIRST}"] = (500, {"message": "database is locked"})
    sentence = refuse("push")
    assert f"it could not be put back as it was: {FIRST} (Grafana refused" in sentence
    assert list(failing.boards) == [FIRST]


def test_a_folder_that_cannot_be_made_stops_the_push(server: FakeGrafana) -> None:
    server.breaks["POST /folders"] = (409, {"message": "a folder with that uid already exists"})
    assert "Client Error 409: a folder with that uid already exists (folder palmonas)" in refuse("push")
    assert server.boards == {}


# --- diff -----------------------------------------------------------------------------------------------------------
def test_diff_shows_what_was_edited_by_hand(server: FakeGrafana) -> None:
    succeed("push")
    assert f"{len(UIDS)} dashboards are there as they are here" in succeed("diff")
    saved_in_a_browser = copy.deepcopy(read_ours(FIRST))
    saved_in_a_browser["panels"][0]["pluginVersion"] = "11.6.0"
    server.put(saved_in_a_browser)
    succeed("diff")
    server.put(edit(LAST))
    server.put({"uid": "stray", "title": "Made by hand"})
    del server.boards[FIRST]
    done = run("diff")
    assert done.exit_code == 1
    old = read_ours(LAST)["panels"][0]["title"]
    assert f"--- {LAST} (ours)\n+++ {LAST} ({server.url}, version 2)\n" in done.stdout
    assert f'-      "title": "{old}",\n' in done.stdout or f'-      "title": "{old}"\n' in done.stdout
    assert "edited by hand" in done.stdout
    assert f"{FIRST}: not there" in done.stdout
    assert "stray: there (Made by hand), and not ours" in done.stdout
    assert f"2 of {len(UIDS)} dashboards differ, 1 are not ours" in done.stderr


def test_diff_needs_no_right_to_write_and_says_when_it_cannot_tell(
    server: FakeGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("push")
    monkeypatch.setenv("PALMONAS_GRAFANA_TOKEN", VIEWER)
    succeed("diff")
    monkeypatch.setenv("PALMONAS_GRAFANA_TOKEN", "glsa_rEvOkEd7Jx2vQm4")
    done = run("diff")
    assert done.exit_code == 2
    assert "refuses the token (401)" in done.stderr


# --- annotate and events --------------------------------------------------------------------------------------------
def test_annotate_marks_a_moment_or_a_span(server: FakeGrafana) -> None:
    before = time.time()
    assert f"annotation 1 at {server.url}" in succeed("annotate", "deploy 42", "--tag", "deploy", "--tag", "eu")
    said = ("annotate", "drill", "--tag", "drill", "--start", "2026-03-01T12:00:00Z", "--end", "1772367000.5")
    succeed(*said)
    moment, span = server.annotations
    assert before * 1000 - 1 <= moment.pop("time") <= time.time() * 1000 + 1
    assert moment == {"panelId": None, "timeEnd": None, "tags": ["palmonas", "deploy", "eu"], "text": "deploy 42"}
    assert (span["time"], span["timeEnd"], span["tags"]) == (1772366400000, 1772367000500, ["palmonas", "drill"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((" ", "--tag", "deploy"), "may not be empty"),
        (("x", "--tag", ""), "may not be empty"),
        (("x", "--tag", "deploy", "--start", "yesterday"), "--start 'yesterday' is no time"),
        (("x", "--tag", "deploy", "--end", "1772366400000"), "write seconds, not milliseconds"),
        (("x", "--tag", "deploy", "--end", "nan"), "is not in this century"),
        (("x", "--tag", "deploy", "--end", "2026-03-01"), "--end is before --start"),
    ],
)
def test_an_annotation_that_makes_no_sense_is_refused(
    server: FakeGrafana, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refuse("annotate", *arguments)
    assert server.annotations == []


def test_moments_are_seconds() -> None:
    assert read_moment("--start", "now", 12.5) == 12.5
    assert read_moment("--start", "2026-03-01T13:00:00+01:00", 0) == 1772366400


@pytest.mark.parametrize("kind", EVENTS)
def test_events_have_the_tags_that_dashboards_ask_for(server: FakeGrafana, kind: str) -> None:
    said: list[str] = []
    tell_event(kind, "what happened", 1772366400, 1772366460.25, say=said.append)
    (told,) = server.annotations
    asked = [one.target.tags for one in start(FIRST, "", "up").build().annotations.list_val]
    assert told["tags"] in asked
    assert (told["time"], told["timeEnd"], told["text"], said) == (1772366400000, 1772366460250, "what happened", [])


def test_events_are_told_nobody_without_an_address() -> None:
    said: list[str] = []
    tell_event("drill", "x", 1, 2, say=said.append, environ={"PALMONAS_GRAFANA_TOKEN": EDITOR})
    assert said == []


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"PALMONAS_GRAFANA_URL": "http://127.0.0.1:9", "PALMONAS_GRAFANA_TOKEN": EDITOR}, "does not answer"),
        ({"PALMONAS_GRAFANA_URL": "http://127.0.0.1:9"}, "PALMONAS_GRAFANA_TOKEN is not set"),
        ({"PALMONAS_GRAFANA_URL": "nowhere", "PALMONAS_GRAFANA_TOKEN": EDITOR}, "must look like https://host/path"),
        ({"PALMONAS_GRAFANA_URL_FILE": "/missing"}, "cannot read /missing"),
    ],
)
def test_an_event_never_fails_its_caller(environ: dict[str, str], reason: str) -> None:
    said: list[str] = []
    tell_event("load-test", "x", 1, 2, say=said.append, environ=environ)
    (line,) = said
    assert line.startswith("Grafana was not told of this load-test: ")
    assert reason in line


# --- what is not Grafana, or does not want us -------------------------------------------------------------------------
@pytest.mark.parametrize("command", [("push",), ("annotate", "x", "--tag", "deploy")], ids=lambda one: one[0])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "<html>a login page</html>"), "is not Grafana's API"),
        ((200, []), "is not Grafana's API"),
        ((200, "null"), "is not Grafana's API"),
        ((502, "bad gateway"), "Server Error 502: bad gateway"),
        ((401, {"message": "Invalid API key"}), "refuses the token (401)"),
        ((0, None), "did not answer within"),
    ],
)
def test_what_is_no_grafana_is_one_sentence(
    server: FakeGrafana, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], answer: Any, said: str
) -> None:
    monkeypatch.setattr(dashboards_grafana, "DEADLINE_S", 1.5)
    server.breaks |= {"GET /health": answer, "POST /annotations": answer}
    sentence = refuse(*command)
    assert said in sentence
    assert EDITOR not in sentence


def test_a_grafana_without_its_database_is_told(server: FakeGrafana) -> None:
    server.breaks["GET /health"] = (200, {"database": "failing", "version": "11.6.0"})
    assert "has lost its own database" in refuse("push")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (f"GET /dashboards/uid/{FIRST}", (200, {"dashboard": None})),
        (f"GET /dashboards/uid/{FIRST}", (200, [])),
        ("GET /access-control/user/permissions", (200, [])),
        ("GET /folders/palmonas", (200, "<html>")),
    ],
)
def test_half_an_answer_changes_nothing(server: FakeGrafana, name: str, answer: Any) -> None:
    server.breaks[name] = answer
    assert "is not Grafana's API" in refuse("push")
    assert server.show() == {"folders": {}, "boards": {}}


def test_an_old_grafana_is_told(server: FakeGrafana) -> None:
    server.breaks["GET /access-control/user/permissions"] = (404, {"message": "Not found"})
    assert "must be 9.0 or newer" in refuse("push")


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("", EDITOR, "PALMONAS_GRAFANA_URL is not set"),
        ("http://127.0.0.1:9", "", "PALMONAS_GRAFANA_TOKEN is not set"),
        ("http://127.0.0.1:9", EDITOR, "Grafana does not answer at http://127.0.0.1:9 (ConnectionError)"),
        ("127.0.0.1:3000", EDITOR, "must look like https://host/path"),
        ("http://127.0.0.1:9", "two words", "PALMONAS_GRAFANA_TOKEN (not shown) must be one word"),
    ],
)
def test_settings_that_do_not_fit_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, url: str, token: str, said: str
) -> None:
    monkeypatch.setenv("PALMONAS_GRAFANA_URL", url)
    monkeypatch.setenv("PALMONAS_GRAFANA_TOKEN", token)
    assert said in refuse("push")


def test_the_token_may_come_from_a_file(server: FakeGrafana, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{EDITOR}\n", encoding="ascii")
    monkeypatch.delenv("PALMONAS_GRAFANA_TOKEN")
    monkeypatch.setenv("PALMONAS_GRAFANA_TOKEN_FILE", str(path))
    succeed("push", "--dry-run")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a dashboard"),
        ('{"title": "no uid"}', "needs a title and a uid"),
        (json.dumps({"title": "long", "uid": "x" * 41}), "at most 40 characters"),
    ],
)
def test_files_that_are_no_dashboards_are_refused(server: FakeGrafana, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(text, encoding="utf-8")
    assert said in refuse("push", str(path))
    assert "cannot read" in refuse("push", str(tmp_path / "missing.json"))
    path.write_text('{"title": "t", "uid": "u"}', encoding="utf-8")
    assert "another file has the uid u" in refuse("push", str(path), str(path))
    assert server.asked == []
