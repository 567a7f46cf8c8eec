"""GET /audit: who did what, newest first."""

from __future__ import annotations

from flask import Flask, Response

from app.api.answers import answer_json
from app.api.cursors import decode_id, encode_id, link_next
from app.api.policy import add_route
from app.api.reading import read_store
from app.api.schemas import AuditPage, AuditQuery
from app.store.audit import list_entries


def register(app: Flask) -> None:
    add_route(
        app,
        "/audit",
        get_audit,
        policy="admin",
        tag="audit",
        summary="Who did what, newest first",
        query=AuditQuery,
        answers={200: AuditPage},
        answer_headers={"Link": 'The next page, rel="next"; absent on the last one.'},
    )


def get_audit(query: AuditQuery) -> Response:
    before_id = decode_id(query.cursor) if query.cursor is not None else None
    rows = read_store(
        lambda pool: list_entries(
            pool, actor=query.actor, action=query.action, before_id=before_id, limit=query.limit + 1
        )
    )
    page = rows[: query.limit]
    following = encode_id(page[-1].id) if len(rows) > query.limit else None
    response = answer_json(AuditPage.model_validate({"entries": page, "next": following}, from_attributes=True))
    link_next(response, following)
    return response
