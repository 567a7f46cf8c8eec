"""The Flask application: the four APIs, the control API, and the misbehaviour between them and the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.utils import format_datetime

from flask import Flask, Response, request

from simulator import amazon, control, shopify, shopify_payloads, standard, woocommerce
from simulator.misbehaviour import ANSWERS, Rule
from simulator.simulation import ListEvents, Simulation

LARGEST_BODY = 1 << 20
DRIPS = 20  # pieces a slow body comes in

EVENTS: dict[str, ListEvents] = {
    "shopify": shopify_payloads.list_events,
    "woocommerce": woocommerce.list_events,
    "standard": standard.list_events,
}
FAILURES: dict[str, Callable[[int, float | None], Response]] = {
    "shopify": shopify.answer_failure,
    "woocommerce": woocommerce.answer_failure,
    "amazon": amazon.answer_failure,
    "standard": standard.answer_failure,
}
REFUSALS = frozenset({"401", "403", "429", "500", "hang"})


def create_app(simulation: Simulation) -> Flask:
    """The application; the caller starts and stops `simulation.webhooks`."""
    app = Flask("simulator")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.url_map.strict_slashes = False

    @app.before_request
    def misbehave_before() -> Response | None:
        channel, _, operation = (request.endpoint or "").partition(".")
        if channel not in FAILURES:
            return None
        rule = simulation.misbehaviour.pick(channel, operation, REFUSALS)
        if rule is None:
            return None
        if rule.kind == "hang":
            # Then the request is done after all: the caller has long given up, and cannot know.
            simulation.misbehaviour.wait(rule.seconds)
            return None
        return FAILURES[channel](int(rule.kind), rule.seconds)

    @app.after_request
    def misbehave_after(response: Response) -> Response:
        channel, _, operation = (request.endpoint or "").partition(".")
        if channel not in FAILURES:
            return response
        rule = simulation.misbehaviour.pick(channel, operation, ANSWERS - REFUSALS)
        if rule is not None:
            response = spoil_answer(simulation, channel, response, rule)
        response.headers["Date"] = format_datetime(simulation.read_time(channel), usegmt=True)
        return response

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    for module in (shopify, woocommerce, amazon, standard, control):
        app.register_blueprint(module.make_blueprint(simulation))
    return app


def spoil_answer(simulation: Simulation, channel: str, response: Response, rule: Rule) -> Response:
    """What was asked for has been done; only the answer goes wrong."""
    if rule.kind == "lost_answer":
        return FAILURES[channel](500, None)
    body = response.get_data()
    headers = {**dict(response.headers), "Content-Length": str(len(body))}
    pieces = drip(simulation, body, rule.seconds) if rule.kind == "slow_body" else iter([body[: len(body) // 2]])
    return Response(pieces, response.status_code, headers, direct_passthrough=True)


def drip(simulation: Simulation, body: bytes, seconds: float) -> Iterator[bytes]:
    size = max(1, -(-len(body) // DRIPS))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    for piece in pieces:
        simulation.misbehaviour.wait(seconds / len(pieces))
        yield piece
