"""What callers of the console did, for the audit log.

What changes a row writes its entry in the same transaction (`describe`); everything else writes it by itself
(`record`), before the answer: what cannot be recorded is not done.
"""

from __future__ import annotations

import logging
from typing import Any

from app.api.auth import current_actor
from app.api.requests import client_address
from app.api.services import services
from app.log import request_id
from app.store.audit import AuditEntry, record_entry

log = logging.getLogger(__name__)


def describe(action: str, about: str, outcome: str = "done", **detail: Any) -> AuditEntry:
    """The entry of this request: its caller did `action` (as `order.status`) to `about` (as `order:42`).

    `detail`: a few words and numbers; never a customer's data, a secret, or what somebody typed to find something.
    """
    return AuditEntry(current_actor(), action, about, outcome, client_address(), request_id.get(), detail)


def record(action: str, about: str, outcome: str = "done", **detail: Any) -> None:
    """Write the entry of this request now. Raises Unavailable when the store cannot take it."""
    record_entry(services().pool, describe(action, about, outcome, **detail))
