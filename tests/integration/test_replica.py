"""A real streaming replica: what is read from it, what never is, and that its loss is nobody's error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from app import telemetry
from app.errors import UsageError
from app.store.replica import Reads
from stack.layout import ROOT
from stack.processes import give_to_server_user, wait_until
from stack.replica import PostgresReplica, drop_slot
from stack.servers import PostgresServer
from tests.api_console import Console, insert_order, run_console
from tests.conftest import DATABASE_NUMBERS
from tests.integration.conftest import open_pool
from tests.metrics import read_value
from tests.servers import ask_admin, copy_database, execute_admin, make_server_directory, make_template, run_pair

PATIENT_S = 120.0  # how far behind a replica may be in tests that are about something else, on a busy machine
STRICT_S = 2.0
CAUGHT_UP_S = 60.0
MARK = "written-by-a-test"  # no copy has it; an inode tells less: it may be given to the next file
Pair = tuple[PostgresServer, PostgresReplica]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Each test leaves both running, the replica as a replica."""
    with run_pair() as made:
        make_template(made[0])
        yield made


@pytest.fixture
def database(pair: Pair) -> Iterator[str]:
    """The name of a database of the test's own, on both."""
    name = f"pair_{next(DATABASE_NUMBERS)}"
    with copy_database(pair[0], name):
        yield name


@pytest.fixture
def primary_url(pair: Pair, database: str) -> str:
    return pair[0].make_url(database)


@pytest.fixture
def lag_s() -> float:
    return PATIENT_S


@pytest.fixture
def console(pair: Pair, database: str, primary_url: str, redis_url: str, lag_s: float) -> Iterator[Console]:
    _, replica = pair
    pool = open_pool(replica.make_url(database), size=3, name="replica")
    with run_console(primary_url, redis_url, make_reads=lambda own: Reads(own, pool, lag_s)) as running:
        yield running
    pool.close()
    if ask_admin(replica, "SELECT pg_is_in_recovery()"):
        resume(replica)


def look(console: Console) -> None:
    assert console.services.reads is not None
    console.services.reads.look()


def wait_taken_in(console: Console) -> None:
    """Until the replica has all, and the console knows."""

    def is_asked() -> bool:
        look(console)
        before = count_from_replica()
        console.get("/orders?limit=1")
        return count_from_replica() > before

    assert wait_until(is_asked, CAUGHT_UP_S)


def count_from_replica(route: str = "list_orders") -> float:
    return read_value(telemetry.POOL_USE_SECONDS, "_count", pool="replica", route=route)


def pause(replica: PostgresReplica) -> None:
    execute_admin(replica, "SELECT pg_wal_replay_pause()")
    assert wait_until(lambda: ask_admin(replica, "SELECT pg_get_wal_replay_pause_state()") == "paused", 10)


def resume(replica: PostgresReplica) -> None:
    execute_admin(replica, "SELECT pg_wal_replay_resume()")


def change(console: Console, order: int, status: str, revision: int) -> None:
    answer = console.call(
        "PATCH", f"/orders/{order}/status", "operator", json={"status": status}, headers={"If-Match": f'"{revision}"'}
    )
    assert answer.status_code == 200, answer.text


def read_progress(console: Console, order: int, role: str) -> str:
    answer = console.get(f"/orders/{order}", role)
    assert answer.status_code == 200, answer.text
    return str(answer.json["progress"])


def list_ids(console: Console) -> list[str]:
    answer = console.get("/orders")
    assert answer.status_code == 200, answer.text
    return [one["external_id"] for one in answer.json["orders"]]


def test_everybody_reads_from_the_replica_and_whoever_wrote_sees_it(
    console: Console, pair: Pair, primary_url: str
) -> None:
    _, replica = pair
    order = insert_order(primary_url, "one")
    wait_taken_in(console)
    pause(replica)
    change(console, order, "processing", 1)
    before = count_from_replica("read_order")
    assert read_progress(console, order, "operator") == "processing"
    assert count_from_replica("read_order") == before, "the operator was shown what the replica has"
    assert read_progress(console, order, "viewer") == "new", "the viewer was not shown what the replica has"
    assert [one["progress"] for one in console.get("/orders", "operator").json["orders"]] == ["processing"]
    resume(replica)
    assert wait_until(lambda: read_progress(console, order, "viewer") == "processing", CAUGHT_UP_S)
    look(console)
    before = count_from_replica("read_order")
    assert read_progress(console, order, "operator") == "processing"
    assert count_from_replica("read_order") == before + 1, "the primary was asked for what the replica has"


def test_what_a_replica_lacks_is_asked_of_the_primary(console: Console, pair: Pair, primary_url: str) -> None:
    _, replica = pair
    wait_taken_in(console)
    pause(replica)
    order = insert_order(primary_url, "new")
    assert list_ids(console) == []
    assert read_progress(console, order, "viewer") == "new"
    assert console.get("/orders/999999").status_code == 404
    resume(replica)


@pytest.mark.parametrize("lag_s", [STRICT_S])
def test_a_replica_too_far_behind_is_left_out_and_taken_in_again(
    console: Console, pair: Pair, primary_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, replica = pair
    wait_taken_in(console)
    caplog.clear()
    pause(replica)
    insert_order(primary_url, "late")

    def is_left_out() -> bool:
        look(console)
        return list_ids(console) == ["late"]

    assert wait_until(is_left_out, STRICT_S + 30, pause_s=0.1)
    reasons = [getattr(one, "reason", "") for one in caplog.records if one.message == "replica_left_out"]
    assert reasons == ["it is too far behind"]
    resume(replica)
    wait_taken_in(console)


@pytest.mark.parametrize("lag_s", [STRICT_S])
def test_a_replica_that_lost_its_primary_grows_old_though_it_replayed_all_it_knows(
    console: Console, pair: Pair, primary_url: str
) -> None:
    primary, _ = pair
    wait_taken_in(console)
    execute_admin(primary, "ALTER ROLE palmonas_replica NOLOGIN")
    execute_admin(primary, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    assert wait_until(lambda: ask_admin(primary, "SELECT count(*) FROM pg_stat_replication") == 0, 10)
    insert_order(primary_url, "missed")

    def is_left_out() -> bool:
        look(console)
        return list_ids(console) == ["missed"]

    assert wait_until(is_left_out, STRICT_S + 30, pause_s=0.1)
    execute_admin(primary, "ALTER ROLE palmonas_replica LOGIN")
    wait_taken_in(console)


@pytest.mark.parametrize("how", ["kill9", "freeze"])
def test_a_replica_that_dies_or_hangs_is_nobodys_error(
    console: Console, pair: Pair, primary_url: str, how: str
) -> None:
    _, replica = pair
    order = insert_order(primary_url, "one")
    wait_taken_in(console)
    getattr(replica, how)()
    try:
        for _ in range(20):
            assert read_progress(console, order, "viewer") == "new"
            assert list_ids(console) == ["one"]
    finally:
        if how == "freeze":
            replica.thaw()
        else:
            replica.start()
    wait_taken_in(console)


def test_a_promoted_replica_is_none_any_more(console: Console, pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    _, replica = pair
    wait_taken_in(console)
    replica.promote()
    look(console)
    before = count_from_replica()
    assert list_ids(console) == []
    assert count_from_replica() == before
    assert "it is no replica any more" in [getattr(one, "reason", "") for one in caplog.records]
    replica.restart()  # and is copied anew


class ContainerReplica(PostgresReplica):
    """Made and run by what the containers start, with the environment of the postgres image."""

    def prepare(self) -> None:
        self.directory.mkdir(exist_ok=True)
        (self.directory / "data").mkdir(exist_ok=True, mode=0o700)
        shutil.copy(ROOT / "containers" / "postgres-replica.sh", self.directory / "entry.sh")
        shutil.copy(self.primary.directory / "palmonas_replica.password", self.directory)
        give_to_server_user(self.directory)

    def command(self) -> list[str]:
        environment = {
            "PATH": f"{self.program.parent}:/usr/bin:/bin",
            "PGDATA": str(self.data),
            "PALMONAS_PRIMARY": "127.0.0.1",
            "PALMONAS_PRIMARY_PORT": str(self.primary.port),
            "PALMONAS_REPLICA_PASSWORD_FILE": str(self.directory / "palmonas_replica.password"),
            "PALMONAS_REPLICA_PASSFILE": str(self.directory / "primary.pgpass"),
        }
        settings = ["-c", f"port={self.port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        given = [f"{name}={value}" for name, value in environment.items()]
        return ["env", "-i", *given, str(self.directory / "entry.sh"), *settings]


def test_the_entry_point_of_the_containers_makes_a_replica_and_goes_on_with_it(pair: Pair) -> None:
    primary, replica = pair
    replica.stop()  # there is one slot, and one reader of it
    drop_slot(primary)
    with make_server_directory() as directory:
        contained = ContainerReplica(directory / "contained", primary)
        try:
            contained.start()
            following = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'palmonas_replica'"
            assert wait_until(lambda: ask_admin(primary, following) == 1, CAUGHT_UP_S)
            here = contained.data / MARK
            here.touch()
            contained.restart()
            assert wait_until(lambda: ask_admin(primary, following) == 1, CAUGHT_UP_S)
            assert here.exists(), "copied anew without need"
            contained.promote()
            contained.stop()
            with pytest.raises(UsageError, match="are no replica's"):
                contained.start()
        finally:
            contained.stop()
            drop_slot(primary)  # it kept WAL for the other one's place, not for this one's
            replica.start()


def test_a_stopped_replica_follows_again_and_one_that_went_its_own_way_is_copied_anew(
    pair: Pair, database: str, primary_url: str
) -> None:
    _, replica = pair
    here = replica.data / MARK
    here.touch()
    replica.stop()
    order = insert_order(primary_url, "meanwhile")

    def has_order() -> bool:
        try:
            with closing(psycopg2.connect(replica.make_url(database))) as session, session.cursor() as cursor:
                cursor.execute("SELECT id FROM orders")
                return cursor.fetchall() == [(order,)]
        except psycopg2.Error:  # it has yet to hear of the database, and of what is in it
            return False

    replica.start()
    assert wait_until(has_order, CAUGHT_UP_S)
    assert here.exists(), "copied anew without need"
    replica.promote()
    replica.restart()
    assert wait_until(has_order, CAUGHT_UP_S)
    assert not here.exists(), "went on with what it had"
    assert ask_admin(replica, "SELECT pg_is_in_recovery()")
