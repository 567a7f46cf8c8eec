"""palmonas send against a door that speaks HTTP and checks every signature as the service does."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from requests.structures import CaseInsensitiveDict

from app.channels import CHANNELS, WEBHOOKS, sample
from app.channels.base import Delivery
from app.errors import RequestError
from cli.send import send
from stack.processes import find_free_port

SECRET = "whsec_" + base64.b64encode(b"the secret of the send tests").decode()
PAYLOADS = Path(__file__).parents[1] / "payloads"


@dataclass
class Door:
    """What came in, in order, and the statuses with which the next requests are turned away."""

    url: str
    deliveries: list[Delivery] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    refused_ids: list[str] = field(default_factory=list)


@pytest.fixture
def door() -> Iterator[Door]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = CaseInsensitiveDict(self.headers.items())
            channel = WEBHOOKS[self.path.rpartition("/")[2]]
            try:
                delivery = channel.verify(headers, body, [SECRET], time.time())
            except RequestError as error:
                self.answer(error.status, {"detail": error.detail})
                return
            if found.refusals:
                status, retry_after = found.refusals.pop(0)
                found.refused_ids.append(delivery.delivery_id)
                self.answer(status, {"detail": "not now"}, retry_after)
                return
            is_new = delivery.delivery_id not in {one.delivery_id for one in found.deliveries}
            found.deliveries.append(delivery)
            found.bodies.append(body)
            found.times.append(time.monotonic())
            self.answer(200, {"status": "accepted" if is_new else "duplicate"})

        def answer(self, status: int, document: dict[str, str], retry_after: str = "") -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error: click's runner would take it for the command's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Door(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    server.shutdown()
    thread.join(timeout=5)
    server.server_close()


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "secrets"
    file.write_text(f"{SECRET}\nan-older-one-of-the-rotation\n")
    return file


def run(*arguments: object, stdin: bytes = b"", **environ: str) -> Result:
    return CliRunner().invoke(send, [str(argument) for argument in arguments], input=stdin, env=environ)


@pytest.mark.parametrize("name", sorted(WEBHOOKS))
def test_orders_renumbered_and_each_twice(door: Door, secret_file: Path, name: str) -> None:
    options = ("--url", door.url, "--secret-file", secret_file, "--count", 3, "--duplicate", 1)
    result = run(name, "-", *options, stdin=sample(name))
    assert (result.exit_code, result.output) == (0, "6 sent, 3 accepted, 3 duplicates, 0 failed\n")
    assert len({one.delivery_id for one in door.deliveries}) == 3
    topics = {one.topic for one in door.deliveries}
    orders = [CHANNELS[name].parse(topics.copy().pop(), body.decode()).order for body in door.bodies]
    numbers = [int(order.external_id) for order in orders if order]
    first = numbers[0]
    assert numbers == [first, first, first + 1, first + 1, first + 2, first + 2]
    assert abs(first / 1000 - time.time()) < 60


@pytest.mark.parametrize(
    ("name", "file", "topic"),
    [
        ("shopify", "shopify/order.json", "orders/create"),
        ("shopify", "shopify/refund.json", "refunds/create"),
        ("shopify", "shopify/fulfillment.json", "fulfillments/create"),
        ("woocommerce", "woocommerce/order.json", "order.created"),
        ("standard", "standard/refund.json", "refund.created"),
    ],
)
def test_one_payload_goes_as_it_is_under_the_topic_that_fits(
    door: Door, secret_file: Path, name: str, file: str, topic: str
) -> None:
    result = run(name, PAYLOADS / file, "--url", door.url + "/", "--secret-file", secret_file)
    assert (result.exit_code, result.output) == (0, "1 sent, 1 accepted, 0 duplicates, 0 failed\n")
    assert door.bodies == [(PAYLOADS / file).read_bytes()]
    assert door.deliveries[0].topic == topic


def test_secret_of_the_settings_and_topic_of_the_user(door: Door, tmp_path: Path) -> None:
    result = run(
        "shopify", PAYLOADS / "shopify/order.json", "--url", door.url, "--topic", "orders/paid",
        PALMONAS_SHOPIFY_SECRETS=SECRET, PALMONAS_STATE=str(tmp_path),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert door.deliveries[0].topic == "orders/paid"


def test_local_stack_lends_its_address_and_secret(door: Door, tmp_path: Path) -> None:
    port = int(door.url.rpartition(":")[2])
    (tmp_path / "stack.json").write_bytes(orjson.dumps({"host": "127.0.0.1", "port": port, "ports": {}}))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "shopify_secrets").write_text(SECRET)
    result = run("shopify", PAYLOADS / "shopify/order.json", PALMONAS_STATE=str(tmp_path))
    assert (result.exit_code, result.output) == (0, "1 sent, 1 accepted, 0 duplicates, 0 failed\n")


def test_503_is_tried_again_under_the_same_id(door: Door, secret_file: Path) -> None:
    door.refusals = [(503, "1"), (503, "0")]
    started = time.monotonic()
    result = run("standard", "-", "--url", door.url, "--secret-file", secret_file, stdin=sample("standard"))
    assert (result.exit_code, result.output) == (0, "1 sent, 1 accepted, 0 duplicates, 0 failed\n")
    assert {*door.refused_ids} == {door.deliveries[0].delivery_id}
    assert 1 <= time.monotonic() - started < 5


def test_503_for_ever_fails_after_a_bounded_number_of_tries(door: Door, secret_file: Path) -> None:
    door.refusals = [(503, "0")] * 20
    result = run("standard", "-", "--url", door.url, "--secret-file", secret_file, stdin=sample("standard"))
    assert result.exit_code == 1
    assert "1 sent, 0 accepted, 0 duplicates, 1 failed" in result.output
    assert "not taken: 503 Service Unavailable: not now" in result.output
    assert len(door.refusals) == 14


def test_refusal_is_not_tried_again_and_told_once(door: Door, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("whsec_" + base64.b64encode(b"not the secret of the door").decode())
    options = ("--url", door.url, "--secret-file", tmp_path / "wrong", "--count", 3)
    result = run("standard", "-", *options, stdin=sample("standard"))
    assert result.exit_code == 1
    assert "3 sent, 0 accepted, 0 duplicates, 3 failed" in result.output
    assert result.output.count("not taken: 401 Unauthorized: The signature is missing") == 1


def test_rate_is_kept(door: Door, secret_file: Path) -> None:
    options = ("--url", door.url, "--secret-file", secret_file, "--count", 5, "--rate", 10)
    result = run("shopify", "-", *options, stdin=sample("shopify"))
    assert result.exit_code == 0
    assert door.times[4] - door.times[0] == pytest.approx(0.4, abs=0.15)


def test_nobody_at_home(secret_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.send.PAUSE_S", 0.01)
    url = f"http://127.0.0.1:{find_free_port()}"
    options = ("--url", url, "--secret-file", secret_file, "--count", 9)
    result = run("shopify", "-", *options, stdin=sample("shopify"))
    assert result.exit_code == 1
    assert "1 sent, 0 accepted, 0 duplicates, 1 failed" in result.output
    assert f"nothing answers at {url}/webhooks/shopify; start the service with: palmonas up" in result.output


@pytest.mark.parametrize(
    ("arguments", "stdin", "complaint"),
    [
        (["shopify", "/no/such/file.json"], b"", "cannot read /no/such/file.json: No such file or directory"),
        (["shopify", "/"], b"", "cannot read /: Is a directory"),
        (["shopify", "-"], b"not json", "-: The body is not JSON. Send one JSON object"),
        (["shopify", "-"], b"[]", "-: The body is not a JSON object."),
        (["shopify", "-"], b"{}", "there is no secret for shopify; set PALMONAS_SHOPIFY_SECRETS or"),
        (["shopify", "-", "--secret-file", "/no/such/secret"], b"{}", "cannot read the secret in /no/such/secret"),
        (["shopify", "-", "--secret-file", "/dev/null"], b"{}", "/dev/null is empty"),
        (["standard", "-", "--secret-file", "SECRET", "--count", "2"], b'{"data": []}', "data is not an object"),
        (["standard", "-", "--secret-file", "SECRET"], b'{"type": "a b"}', "The type of the payload is missing, not"),
        (
            ["shopify", "-", "--secret-file", "SECRET", "--url", "nowhere"],
            b"{}",
            "'nowhere' is no address; it must look like http://",
        ),
        (["shopify", "-", "--secret-file", "SECRET", "--url", "http://h:99999"], b"{}", "99999' is no address"),
        (["shopify", "-", "--secret-file", "SECRET", "--topic", "a\nb"], b"{}", "The topic is missing, not printable"),
        (["amazon", "-"], b"{}", "'amazon' is not one of"),
        (["shopify", "-", "--count", "0"], b"{}", "0 is not in the range"),
    ],
)
def test_bad_input_gets_a_sentence(
    arguments: list[str], stdin: bytes, complaint: str, secret_file: Path, tmp_path: Path
) -> None:
    given = [str(secret_file) if argument == "SECRET" else argument for argument in arguments]
    result = run(*given, stdin=stdin, PALMONAS_STATE=str(tmp_path / "none"))
    assert result.exit_code in (1, 2)
    assert complaint in result.output
    assert "Traceback" not in result.output
    assert SECRET not in result.output
