"""How many of each part there are: usually, and with `palmonas up --scale`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """`accept` and `console`: API instances of each role; `ingest`: workers of the ingest queue."""

    accept: int
    console: int
    ingest: int

    @property
    def accept_names(self) -> list[str]:
        return [f"api-accept-{number}" for number in range(1, self.accept + 1)]

    @property
    def console_names(self) -> list[str]:
        return [f"api-console-{number}" for number in range(1, self.console + 1)]

    def name_workers(self, queue: str) -> list[str]:
        """One worker for each queue, and more for the one that every order goes through."""
        more = range(2, self.ingest + 1) if queue == "ingest" else ()
        return [f"worker-{queue}", *(f"worker-{queue}-{number}" for number in more)]


USUAL = Size(accept=2, console=1, ingest=1)
SCALED = Size(accept=3, console=2, ingest=3)
