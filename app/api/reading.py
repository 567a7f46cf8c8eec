"""Where the reads of a request go: to the primary, or to a replica that has what the caller did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.api.auth import current_actor
from app.api.services import services
from app.store.pool import Pool
from app.store.replica import Reads

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Reader:
    """The caller of one request, who may go on reading when the request is over (an export)."""

    actor: str
    pool: Pool
    reads: Reads | None

    def read(self, read: Callable[[Pool], Answer]) -> Answer:
        """What `read` gives with the pool that suits this caller. Raises what `read` does."""
        return self.reads.run(read, self.actor) if self.reads else read(self.pool)


def current_reader() -> Reader:
    made = services()
    return Reader(current_actor(), made.pool, made.reads)


def read_store(read: Callable[[Pool], Answer]) -> Answer:
    """What `read` gives with the pool that suits the caller of this request. Raises what `read` does."""
    return current_reader().read(read)
