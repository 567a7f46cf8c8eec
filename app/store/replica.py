"""Reads that may come from a replica: only while it keeps up, and never older than what their reader wrote.

How far a replica is behind is told without any clock but ours: we note the primary's place in its log (LSN) again and
again, and the newest place that the replica has replayed tells since when it may lack something. That is also right
when the replica has lost its primary, and then says that it has replayed all it knows of.

Whatever somebody changes through the API leaves a row in the audit log in the same transaction. A replica that shows a
caller's newest rows there shows what the caller did, whichever instance did it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from app.errors import NotFound, PalmonasError, Unavailable
from app.store.pool import Pool

log = logging.getLogger(__name__)

LOOK_S = 0.25  # pause between two looks; what the replica lacks is known to this
OWN_ENTRIES = 16  # as many changes of one caller may be on their way at once, and none is missed

Answer = TypeVar("Answer")


class Reads:
    """Chooses between the pool of the primary and that of a replica; `lag_s` is how many seconds it may be behind."""

    def __init__(self, primary: Pool, replica: Pool, lag_s: float) -> None:
        self._primary = primary
        self._replica = replica
        self._lag_s = lag_s
        self._places: deque[tuple[float, int]] = deque()  # when, and the primary's LSN in bytes
        self._complete_at = time.monotonic()  # the replica has all that the primary had then, unless it is left out
        self._left_out = "starting"

    def watch(self) -> None:
        """Look at both from now on, in the background."""
        threading.Thread(target=self._watch_forever, name="replica", daemon=True).start()

    def run(self, read: Callable[[Pool], Answer], reader: str) -> Answer:
        """What `read` gives with the pool of its choice; `reader` is the actor whose own changes must be seen.

        What the replica fails at, or does not find (None, NotFound), is asked of the primary. Raises what `read` does.
        """
        if self._is_fit():
            own = _list_own(self._primary, reader)
            try:
                answer = read(self._replica) if _has_all(self._replica, own) else None
                if answer is not None:
                    return answer
            except NotFound:
                pass  # another's row, which the primary may have had for a moment
            except Unavailable as error:
                self._leave_out(error.reason)
        return read(self._primary)

    def _is_fit(self) -> bool:
        return not self._left_out and time.monotonic() - self._complete_at <= self._lag_s

    def _watch_forever(self) -> None:
        while True:
            self.look()
            time.sleep(LOOK_S)

    def look(self) -> None:
        """One look at primary and replica; logs when the replica is left out, and when it is taken in again."""
        at = time.monotonic()
        try:
            place = _read_place(self._primary)
        except PalmonasError:
            return  # it is busy or away: what the replica has grows old by itself
        self._places.append((at, place))
        try:
            replayed = _read_replayed(self._replica)
        except PalmonasError as error:
            self._leave_out(type(error).__name__)
            return
        if replayed is None:
            self._leave_out("it is no replica any more")
            return
        caught_up = False
        while self._places and self._places[0][1] <= replayed:
            self._complete_at = self._places.popleft()[0]
            caught_up = True
        behind = time.monotonic() - self._complete_at
        while len(self._places) > 1 and self._places[-1][0] - self._places[0][0] > 2 * self._lag_s:
            self._places.popleft()  # too old to be of use, and a replica may be away for days
        if behind > self._lag_s:
            self._leave_out("it is too far behind")
        elif self._left_out and caught_up:
            self._left_out = ""
            log.info("replica_taken_in", extra={"behind_seconds": round(behind, 2)})

    def _leave_out(self, reason: str) -> None:
        if self._left_out != reason:
            log.warning("replica_left_out", extra={"reason": reason})
        self._left_out = reason


def _read_place(primary: Pool) -> int:
    with primary.autocommit("replica_lag") as cursor:
        cursor.execute("SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint")
        return int(cursor.fetchone()[0])


def _read_replayed(replica: Pool) -> int | None:
    """None from a server that is no replica: it was promoted, and its data may go their own way."""
    with replica.autocommit("replica_lag") as cursor:
        cursor.execute(
            "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint END"
        )
        replayed: int | None = cursor.fetchone()[0]
        return replayed


def _list_own(primary: Pool, actor: str) -> list[int]:
    """The ids of the newest entries of `actor` in the audit log."""
    with primary.autocommit("read_own") as cursor:
        cursor.execute("SELECT id FROM audit_log WHERE actor = %s ORDER BY id DESC LIMIT %s", (actor, OWN_ENTRIES))
        return [entry for (entry,) in cursor.fetchall()]


def _has_all(replica: Pool, entries: list[int]) -> bool:
    if not entries:
        return True
    with replica.autocommit("read_own") as cursor:
        cursor.execute("SELECT count(*) FROM audit_log WHERE id = ANY(%s)", (entries,))
        return bool(cursor.fetchone()[0] == len(entries))
