"""Every runbook as a person types it: each read-only command and each query, on the whole stack, with orders in it."""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stack.layout import DEFAULT_PORT, PORT_OFFSETS, ROOT, load_layout
from stack.pages import open_session
from tests.running import PALMONAS, Stack

DEADLINE_S = 30
QUERY_DEADLINE_S = 10
RUNBOOKS = ROOT / "docs/runbooks"
README = RUNBOOKS / "README.md"
# The line of README.md that makes the rest work; `person` has run it.
SETUP = 'eval "$(.venv/bin/palmonas env)"; PATH="$PWD/.venv/bin:$PATH"'
# redis-cli ends with 0 after an error, and curl after a 500 unless its configuration says otherwise (`person`).
REPORTED = re.compile(
    r"^\W*(?:\w+: )?(?:error|err|fatal|wrongpass|noauth|noperm)\b(?!:\d)", re.IGNORECASE | re.MULTILINE
)
COMPLAINT = re.compile(r"traceback|error|fail|denied|refused|invalid|unknown|not found", re.IGNORECASE)
# What was logged, and whatever else runs on this machine, may tell of errors.
TELLS_OF_OTHERS = ("palmonas logs", "ps ")


def read_blocks(mark: str, strip: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """Each distinct command or query -> the runbooks that have it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(set(RUNBOOKS.glob("*.md")) - {README}):
        for block in re.findall(rf"^```{mark}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for one in strip(block):
                found[one].append(path.stem)
    return dict(found)


COMMANDS = read_blocks("sh read-only", lambda block: block.strip().splitlines())
QUERIES = read_blocks("promql", lambda block: [block.strip()])


def name_cases(cases: Mapping[str, list[str]]) -> list[object]:
    """Each under the name of its first runbook: the name of a test is no place for SQL."""
    return [pytest.param(one, id=f"{pages[0]}-{number}") for number, (one, pages) in enumerate(cases.items(), 1)]


@pytest.fixture(scope="module")
def person(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment after the line in the README; curl is told to fail where a server does."""
    home = tmp_path_factory.mktemp("home")
    (home / ".curlrc").write_text("fail\n", encoding="ascii")
    assert f"```sh read-only\n{SETUP}\n```" in README.read_text(encoding="utf-8")
    # the .venv that runs this need not be the clone's
    setup = SETUP.replace(".venv/bin/palmonas", str(PALMONAS)).replace("$PWD/.venv/bin", str(PALMONAS.parent))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{setup}; env -0"],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PALMONAS_STATE": str(stack.state), "LC_ALL": "C.UTF-8"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert done.stderr == ""
    return dict(pair.split("=", 1) for pair in done.stdout.rstrip("\0").split("\0"))


def point_at(stack: Stack, command: str) -> str:
    """The command with the ports of this stack in the place of the usual ones."""
    layout = load_layout(stack.state)
    assert layout
    ports = {DEFAULT_PORT: layout.port} | {DEFAULT_PORT + far: layout.ports[name] for name, far in PORT_OFFSETS.items()}
    return re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: str(ports[int(found[0])]), command)


def find_fault(command: str, person: Mapping[str, str]) -> str | None:
    """Run it; say what is wrong with its end, or None."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env=person,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=DEADLINE_S,
        check=False,
    )
    told = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    if done.returncode or COMPLAINT.search(done.stderr):
        return f"exit code {done.returncode}: {told}"
    if command.startswith(TELLS_OF_OTHERS):
        return None
    if REPORTED.search(done.stdout) or "Traceback" in done.stdout:
        return f"an error was printed: {told}"
    return None if done.stdout or done.stderr else "nothing was shown"


@pytest.mark.parametrize("command", name_cases(COMMANDS))
def test_a_read_only_command_works(stack: Stack, person: dict[str, str], command: str) -> None:
    fault = find_fault(point_at(stack, command), person)
    assert fault is None, f"{command}\n(in {', '.join(COMMANDS[command])})\n{fault}"


@pytest.mark.parametrize(
    "command",
    [
        'redis-cli -u "${PALMONAS_REDIS_URL/default:/default:not}" PING',
        'redis-cli -u "$PALMONAS_REDIS_URL" CONFIG',
        'psql "$PALMONAS_DATABASE_URL" -c "SELECT nothing FROM nowhere"',
        "curl -s http://127.0.0.1:4000/nothing",
        "palmonas logs nobody",
        "amtool check-config prometheus/nothing.yml",
    ],
)
def test_a_command_that_does_not_work_is_noticed(stack: Stack, person: dict[str, str], command: str) -> None:
    assert find_fault(point_at(stack, command), person)


@pytest.mark.parametrize("query", name_cases(QUERIES))
def test_a_query_is_answered(stack: Stack, query: str) -> None:
    layout = load_layout(stack.state)
    assert layout
    with open_session() as session:
        answer = session.post(
            f"http://127.0.0.1:{layout.ports['prometheus']}/api/v1/query",
            data={"query": query},
            timeout=QUERY_DEADLINE_S,
        )
    assert answer.status_code == 200, f"{query}\n(in {', '.join(QUERIES[query])})\n{answer.text}"
    assert answer.json()["status"] == "success"
    assert not answer.json().get("warnings"), answer.text


def test_a_terminal_is_not_shown_the_passwords(stack: Stack) -> None:
    """`script` gives the command a terminal."""
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", f"{PALMONAS} env", "/dev/null"],
        env={**os.environ, "PALMONAS_STATE": str(stack.state)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    secrets = [(stack.state / f"secrets/{name}").read_text(encoding="ascii") for name in ("database_url", "redis_url")]
    for url in secrets:
        password = url.split("@")[0].rsplit(":", 1)[1]
        assert password not in done.stdout
        assert url.replace(password, "***") in done.stdout


def test_env_without_a_stack_is_one_sentence(tmp_path: Path) -> None:
    refused = Stack(tmp_path, DEFAULT_PORT).run("env")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.strip().endswith("start one with: make up")
