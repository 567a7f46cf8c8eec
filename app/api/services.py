"""What the routes of one API process work with, made once at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app

from app.api.sessions import Sessions
from app.config import Config
from app.health import HealthReport, Readiness
from app.queue import WorkQueue
from app.store.pool import Pool
from app.store.replica import Reads

EXTENSION = "palmonas"


@dataclass(frozen=True)
class Services:
    """`pool` is for the console's reads and writes; `reads` says which reads a replica may answer, None where none is.

    `pushed` names the channels with API settings, and which of our statuses each is told of.
    `sessions` are those of people who log in; None when the role `console` is absent.
    `accept` takes verified deliveries into the inbox; None when the role `accept` is absent.
    """

    config: Config
    pool: Pool
    queue: WorkQueue
    accept: Any
    health: HealthReport
    readiness: Readiness
    pushed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sessions: Sessions | None = None
    reads: Reads | None = None


def attach_services(app: Flask, made: Services) -> None:
    app.extensions[EXTENSION] = made


def services() -> Services:
    """The services of the application that serves this request."""
    found: Services = current_app.extensions[EXTENSION]
    return found
