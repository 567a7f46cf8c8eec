"""A streaming replica of our PostgreSQL: made by a base backup, kept by a replication slot, promoted by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from app.errors import UsageError
from stack.processes import give_to_server_user, run_as_server_user
from stack.server import Server
from stack.servers import HOST, PostgresServer, connect_for, read_or_make_password

ROLE = "palmonas_replica"
# The slot's name, and by what name the primary knows the replica (application_name): for synchronous_standby_names.
SLOT = "palmonas_replica"
BACKUP_DEADLINE_S = 600.0
QUESTION_DEADLINE_S = 30.0
USABLE = ("reserved", "extended", "unreserved")  # wal_status of a slot that still has all its replica needs


class PostgresReplica(PostgresServer):
    """A hot standby of `primary`, with its roles and passwords. `prepare` needs a primary that runs."""

    name = "postgresql-replica"

    def __init__(self, directory: Path, primary: PostgresServer, port: int | None = None) -> None:
        super().__init__(directory, port, max_connections=primary.max_connections)
        self.primary = primary

    def make_url(self, database: str, role: str = "palmonas") -> str:
        password = read_or_make_password(self.primary.directory / f"{role}.password")
        return f"postgresql://{role}:{password}@{HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        """Copy the primary's data unless they are here and the primary has kept what came since."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        self._write_password_file()
        if not self._can_follow():
            self._copy_primary()

    @property
    def _password_file(self) -> Path:
        return self.directory / "primary.pgpass"

    def _write_password_file(self) -> None:
        """Not on a command line, which everybody reads, and not in the data, which backups hold."""
        password = read_or_make_password(self.primary.directory / f"{ROLE}.password")
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(f"*:*:*:{ROLE}:{password}\n", encoding="ascii")
        give_to_server_user(self.directory)

    def _can_follow(self) -> bool:
        if not (self.data / "standby.signal").exists():
            return False
        (identity,) = ask(self.primary, "SELECT system_identifier::text FROM pg_control_system()")
        slots = ask(self.primary, "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", SLOT)
        return bool(slots) and slots[0] in USABLE and identity == self._read_identity()

    def _read_identity(self) -> str:
        done = self._run("pg_controldata", str(self.data), deadline_s=QUESTION_DEADLINE_S)
        told = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
        return told.get("Database system identifier", "").strip()

    def _copy_primary(self) -> None:
        drop_slot(self.primary)
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host={HOST} port={self.primary.port} user={ROLE}"
        options = ["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--create-slot"]
        place = [f"--slot={SLOT}", f"--pgdata={self.data}", f"--dbname={source}"]
        done = self._run("pg_basebackup", *options, *place, deadline_s=BACKUP_DEADLINE_S)
        if done.returncode != 0:
            raise UsageError(f"the replica could not be copied from the primary:\n{done.stderr.strip()[-2000:]}")

    def _run(self, name: str, *arguments: str, deadline_s: float) -> subprocess.CompletedProcess[str]:
        program = self.program.parent / name
        if not program.exists():
            raise UsageError(f"a replica needs {program}: install the whole of PostgreSQL, as Debian packages it")
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(program), *arguments],
            env={**os.environ, "LC_ALL": "C", "PGPASSFILE": str(self._password_file)},
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=False,
            **run_as_server_user(),  # type: ignore[call-overload]  # a dict of user, group, extra_groups
        )
        return done

    def command(self) -> list[str]:
        # On the command line, because the primary's port may be another with each start.
        source = (
            f"host={HOST} port={self.primary.port} user={ROLE} passfile={self._password_file} application_name={SLOT}"
        )
        return [*super().command(), "-c", f"primary_conninfo={source}", "-c", f"primary_slot_name={SLOT}"]

    def start(self) -> None:
        Server.start(self)  # nothing to provision: it has what the primary has

    def promote(self) -> None:
        """Make a primary of it. Whoever calls this has seen to it that the old one takes no more writes."""
        ask(self, "SELECT pg_promote(true, 60)")


def drop_slot(primary: PostgresServer) -> None:
    """Forget the replica: the primary keeps no more WAL for it. Raises psycopg2.Error while it is connected."""
    ask(primary, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", SLOT)


def ask(server: PostgresServer, statement: str, *values: Any) -> list[Any]:
    """The first column of each row, asked as administrator."""
    with closing(connect_for(QUESTION_DEADLINE_S, server.admin_url)) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(statement, values or None)
            return [row[0] for row in cursor.fetchall()]
