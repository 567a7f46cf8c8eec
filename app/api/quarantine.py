"""Quarantine: deliveries that could not be stored; look, try again, give up."""

from __future__ import annotations

import logging

from flask import Flask, Response

from app.api.answers import answer_json
from app.api.audit import describe, record
from app.api.auth import current_actor, current_caller
from app.api.cursors import decode_id, encode_id, link_next
from app.api.policy import add_route
from app.api.reading import read_store
from app.api.schemas import (
    NoQuery,
    PayloadQuery,
    QuarantineAction,
    QuarantinedAnswer,
    QuarantinePage,
    QuarantineQuery,
)
from app.api.services import services
from app.errors import Conflict, Forbidden, NotFound, QueueUnavailable
from app.log import request_id
from app.store.quarantine import discard_delivery, list_quarantine, read_quarantined, release_delivery

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    add_route(
        app,
        "/quarantine",
        get_quarantine,
        policy="viewer",
        tag="quarantine",
        summary="List deliveries in quarantine, newest first",
        query=QuarantineQuery,
        answers={200: QuarantinePage},
        answer_headers={"Link": 'The next page, rel="next"; absent on the last one.'},
    )
    add_route(
        app,
        "/quarantine/<rowid:inbox_id>",
        get_quarantined,
        policy="viewer",
        tag="quarantine",
        summary="Read one delivery in quarantine",
        query=PayloadQuery,
        answers={200: QuarantinedAnswer},
        errors=(NotFound,),
    )
    add_route(
        app,
        "/quarantine/<rowid:inbox_id>/replay",
        replay_quarantined,
        methods=("POST",),
        policy="operator",
        tag="quarantine",
        summary="Try a delivery again, with all its tries",
        query=NoQuery,
        answers={202: QuarantineAction},
        errors=(NotFound, Conflict),
    )
    add_route(
        app,
        "/quarantine/<rowid:inbox_id>/discard",
        discard_quarantined,
        methods=("POST",),
        policy="operator",
        tag="quarantine",
        summary="Give a delivery up",
        query=NoQuery,
        answers={200: QuarantineAction},
        errors=(NotFound, Conflict),
    )


def get_quarantine(query: QuarantineQuery) -> Response:
    before_id = decode_id(query.cursor) if query.cursor is not None else None
    rows = read_store(
        lambda pool: list_quarantine(pool, channel=query.channel, before_id=before_id, limit=query.limit + 1)
    )
    page = rows[: query.limit]
    following = encode_id(page[-1].id) if len(rows) > query.limit else None
    response = answer_json(QuarantinePage.model_validate({"deliveries": page, "next": following}, from_attributes=True))
    link_next(response, following)
    return response


def get_quarantined(inbox_id: int, query: PayloadQuery) -> Response:
    if query.payload and current_caller().role != "admin":
        raise Forbidden("raw payloads need the role admin")
    row, payload = read_store(lambda pool: read_quarantined(pool, inbox_id))
    answer = QuarantinedAnswer.model_validate(row)
    if query.payload:
        record("quarantine.payload", f"delivery:{inbox_id}")
        answer.payload = payload
    return answer_json(answer)


def replay_quarantined(inbox_id: int, query: NoQuery) -> Response:
    release_delivery(services().pool, inbox_id, describe("quarantine.replay", f"delivery:{inbox_id}"))
    log.info("delivery_replayed", extra={"inbox_id": inbox_id, "actor": current_actor()})
    try:
        services().queue.enqueue_task("replay_delivery", inbox_id, request_id=request_id.get())
    except QueueUnavailable:
        # The row is pending: the dispatcher finds it without us.
        log.warning("replay_not_enqueued", extra={"inbox_id": inbox_id})
    return answer_json(QuarantineAction(id=inbox_id, state="pending"), 202)


def discard_quarantined(inbox_id: int, query: NoQuery) -> Response:
    discard_delivery(services().pool, inbox_id, describe("quarantine.discard", f"delivery:{inbox_id}"))
    log.info("delivery_discarded", extra={"inbox_id": inbox_id, "actor": current_actor()})
    return answer_json(QuarantineAction(id=inbox_id, state="discarded"))
