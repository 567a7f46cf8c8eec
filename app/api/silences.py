"""Silences: keep an alert quiet for a while, with a reason. Alertmanager keeps them."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response

from app.api.answers import answer_json
from app.api.audit import record
from app.api.auth import current_actor
from app.api.operations_schemas import SilenceAnswer, SilenceBody
from app.api.policy import add_route
from app.api.schemas import NoQuery
from app.api.services import Services
from app.errors import AlertmanagerUnavailable, BadGateway, Malformed, NotFound
from app.outbound.alertmanager import NEVER_UNTOUCHABLE, SILENCE_ID, UNTOUCHABLE, Alertmanager, match_label


class SilenceViews:
    def __init__(self, made: Services) -> None:
        url = made.config.alertmanager_url
        self._alertmanager = Alertmanager(url) if url else None

    def post_silence(self, body: SilenceBody) -> Response:
        if body.matchers.get("alertname") == UNTOUCHABLE:
            raise Malformed(f"{UNTOUCHABLE} is never silenced: its receiver would call for help")
        matchers = [match_label(name, value) for name, value in sorted(body.matchers.items())]
        if "alertname" not in body.matchers:
            matchers.append(NEVER_UNTOUCHABLE)
        alertmanager, about = self._get_alertmanager(), body.matchers.get("alertname", "any")
        record("silence.create", f"alert:{about}", "asked", matchers=body.matchers, minutes=body.minutes)
        length = timedelta(minutes=body.minutes)
        identity = alertmanager.make_silence(matchers, length, author=current_actor(), reason=body.reason)
        return answer_json(SilenceAnswer(id=identity), 201)

    def delete_silence(self, silence_id: str, query: NoQuery) -> Response:
        alertmanager = self._get_alertmanager()
        if not SILENCE_ID.fullmatch(silence_id):
            raise NotFound("there is no such silence")
        record("silence.end", f"silence:{silence_id}", "asked")
        alertmanager.end_silence(silence_id)
        return Response(status=204)

    def _get_alertmanager(self) -> Alertmanager:
        if self._alertmanager is None:
            raise AlertmanagerUnavailable("PALMONAS_ALERTMANAGER_URL is not set")
        return self._alertmanager


def register(app: Flask, made: Services) -> None:
    views = SilenceViews(made)
    add_route(
        app,
        "/operations/silences",
        views.post_silence,
        methods=("POST",),
        policy="operator",
        tag="operations",
        summary="Keep alerts quiet for a while; they go on firing on the dashboards",
        body=SilenceBody,
        answers={201: SilenceAnswer},
        errors=(AlertmanagerUnavailable, BadGateway),
    )
    add_route(
        app,
        "/operations/silences/<silence_id>",
        views.delete_silence,
        methods=("DELETE",),
        policy="operator",
        tag="operations",
        summary="End a silence now",
        query=NoQuery,
        answers={204: None},
        errors=(NotFound, AlertmanagerUnavailable, BadGateway),
    )
