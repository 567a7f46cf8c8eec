"""Channels: which ones exist here, and how each is doing."""

from __future__ import annotations

from flask import Flask, Response

from app.api.answers import answer_json
from app.api.policy import add_route
from app.api.schemas import ChannelList, NoQuery
from app.api.services import services
from app.store.order_reads import summarize_channels


def register(app: Flask) -> None:
    add_route(
        app,
        "/channels",
        get_channels,
        policy="viewer",
        tag="channels",
        summary="List the configured channels with their newest order and what waits (counted to 10,000)",
        query=NoQuery,
        answers={200: ChannelList},
    )


def get_channels(query: NoQuery) -> Response:
    configured = sorted({*services().config.channel_secrets, *services().pushed})
    rows = summarize_channels(services().pool, configured)
    return answer_json(ChannelList.model_validate({"channels": rows}))
