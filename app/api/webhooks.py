"""POST /webhooks/<channel>: verify the raw bytes, make them durable, answer, and only then ring for the workers."""

from __future__ import annotations

import logging
import time
from typing import Any

import gevent
from flask import Flask, Response, g, request

from app import telemetry
from app.api.policy import add_route
from app.api.services import Services
from app.channels import WEBHOOKS
from app.channels.base import Webhook
from app.errors import (
    AnswerableError,
    BadSignature,
    Malformed,
    NotFound,
    RequestTimeout,
    StoreRejected,
    StoreUnavailable,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from app.orders.accept import Batcher
from app.store.inbox import NewDelivery

log = logging.getLogger(__name__)

UNKNOWN = "unknown"  # one label value for every channel that does not exist
REJECTIONS = (NotFound, UnsupportedMediaType, TooLarge, RequestTimeout, BadSignature, Malformed)
KNOWN_REASONS = [one.reason for one in REJECTIONS if one is not NotFound]
PONG = b'{"status":"pong"}'


class Receiver:
    """The view behind /webhooks/<channel>."""

    def __init__(self, services: Services) -> None:
        config = services.config
        if services.accept:  # without it the route is only described, by an instance of another role
            telemetry.seed_counters(tuple(config.channel_secrets), KNOWN_REASONS, ())
            telemetry.seed_counters((UNKNOWN,), [NotFound.reason], ())
        self._batcher: Batcher = services.accept
        self._secrets = config.channel_secrets
        self._max_body = config.max_body_bytes
        self._body_timeout_s = config.body_timeout_s
        self._seconds: dict[tuple[str, str], Any] = {}

    def receive(self, channel: str) -> Response:
        """The whole of it for one delivery; every way out is measured and logged once."""
        started = time.perf_counter()
        label = channel if channel in self._secrets else UNKNOWN
        fields: dict[str, Any] = {"channel": label}
        try:
            outcome, body = self._accept(channel, fields)
        except AnswerableError as error:
            outcome = "unavailable" if isinstance(error, Unavailable) else "rejected"
            self._report(label, outcome, started, fields, error)
            raise
        except Exception:  # Flask answers 500 and logs it: here it is only counted
            self._observe(label, "failed", time.perf_counter() - started)
            raise
        self._report(label, outcome, started, fields, None)
        return Response(body, 200, content_type="application/json")

    def _accept(self, name: str, fields: dict[str, Any]) -> tuple[str, bytes]:
        secrets = self._secrets.get(name)
        if secrets is None:
            raise NotFound("there is no such channel here")
        channel = WEBHOOKS[name]
        media_type = request.mimetype
        if media_type not in channel.content_types:
            raise UnsupportedMediaType(f"send {' or '.join(channel.content_types)}")
        body = self._read_body()
        if channel.is_ping(request.headers, body):
            return "accepted", PONG
        if media_type != "application/json":
            raise UnsupportedMediaType("send application/json")
        delivery = self._verify(channel, body, secrets)
        fields["delivery_id"], fields["topic"] = delivery.delivery_id, delivery.topic
        try:
            payload = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("the body is not UTF-8") from error
        try:
            outcome = self._batcher.submit(
                NewDelivery(name, delivery.delivery_id, delivery.topic, g.request_id, payload)
            )
        except StoreRejected as error:
            raise Malformed("the database cannot hold this body") from error
        return outcome, b'{"status":"%s","request_id":"%s"}' % (outcome.encode(), g.request_id.encode())

    @staticmethod
    def _verify(channel: Webhook, body: bytes, secrets: tuple[str, ...]) -> Any:
        return channel.verify(request.headers, body, secrets, time.time())

    def _read_body(self) -> bytes:
        """The whole body, and never more than the limit of it. werkzeug would cut a chunked one off at the limit."""
        announced, limit = request.content_length, self._max_body
        if announced is not None and announced > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        try:
            with gevent.Timeout(self._body_timeout_s):
                body: bytes = request.environ["wsgi.input"].read(limit + 1 if announced is None else announced)
        except gevent.Timeout as error:
            raise RequestTimeout(f"the body did not arrive within {self._body_timeout_s} s") from error
        except OSError as error:
            raise RequestTimeout("the connection ended before the body was complete") from error
        if len(body) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        return body

    def _observe(self, label: str, outcome: str, seconds: float) -> None:
        child = self._seconds.get((label, outcome))
        if child is None:
            child = self._seconds[label, outcome] = telemetry.ACCEPT_SECONDS.labels(label, outcome)
        child.observe(seconds)

    def _report(
        self, label: str, outcome: str, started: float, fields: dict[str, Any], error: AnswerableError | None
    ) -> None:
        seconds = time.perf_counter() - started
        self._observe(label, outcome, seconds)
        fields["duration_ms"] = round(seconds * 1000, 2)
        if error is None:
            fields["outcome"] = outcome
            log.info("delivery_received", extra=fields)
            return
        fields["reason"] = error.reason
        counter = telemetry.DELIVERIES_REJECTED if outcome == "rejected" else telemetry.DELIVERIES_UNAVAILABLE
        counter.labels(label, error.reason).inc()
        log.log(logging.INFO if outcome == "rejected" else logging.WARNING, "delivery_refused", extra=fields)


def register(app: Flask, services: Services) -> None:
    """Add the webhook route. The sender's signature is its policy."""
    receiver = Receiver(services)

    def receive_webhook(channel: str) -> Response:
        return receiver.receive(channel)

    add_route(
        app,
        "/webhooks/<channel>",
        receive_webhook,
        methods=("POST",),
        policy="signed",
        summary="Take one signed delivery of a sales channel; 200 means that it is stored.",
        tag="webhooks",
        body_types=("application/json",),
        errors=(*REJECTIONS, StoreUnavailable),
        tracked=False,
    )
