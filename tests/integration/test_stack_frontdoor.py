"""The front door alone: HAProxy with our configuration before a small server that tells what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from stack.layout import Layout
from stack.pages import open_session
from stack.processes import find_free_port
from tests.front import open_front


class Echo(BaseHTTPRequestHandler):
    """Answers with its own name, the path, and the headers it got."""

    def do_GET(self) -> None:
        server_port = self.connection.getsockname()[1]
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps({"server": str(server_port), "path": self.path, "headers": headers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def backends() -> Iterator[dict[str, ThreadingHTTPServer]]:
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), Echo) for name in ("api-accept-1", "api-console-1")}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servers
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def front(backends: dict[str, ThreadingHTTPServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ports = {name: server.server_address[1] for name, server in backends.items()}
    # An accept instance that is not there: requests must go to the other.
    ports |= {"api-accept-2": find_free_port(), "haproxy-stats": find_free_port()}
    layout = Layout(tmp_path_factory.mktemp("front"), "127.0.0.1", find_free_port(), ports)
    with open_front(layout, ["api-accept-1", "api-accept-2"], ["api-console-1"]) as address:
        yield address


def ask(url: str, **headers: str) -> requests.Response:
    with open_session() as session:
        return session.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=10)


def test_webhooks_and_the_rest_go_to_their_own_instances(front: str, backends: dict[str, ThreadingHTTPServer]) -> None:
    ports = {name: str(server.server_address[1]) for name, server in backends.items()}
    assert {ask(f"{front}/webhooks/shopify").json()["server"] for _ in range(6)} == {ports["api-accept-1"]}
    assert ask(f"{front}/orders?text=a").json()["server"] == ports["api-console-1"]
    assert ask(f"{front}/orders?text=a").json()["path"] == "/orders?text=a"


def test_what_a_sender_claims_about_itself_is_dropped(front: str) -> None:
    seen = ask(
        f"{front}/orders",
        X_Forwarded_For="6.6.6.6",
        Forwarded="for=6.6.6.6",
        X_Real_IP="6.6.6.6",
        X_Request_Id="story-1",
    ).json()["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert "forwarded" not in seen
    assert "x-real-ip" not in seen
    assert seen["x-request-id"] == "story-1"


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/metrics/", "/%6detrics", "/METRICS", "/metrics?x=1"])
def test_metrics_are_hidden_in_every_spelling(front: str, path: str) -> None:
    answer = ask(front + path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_no_instance_means_503_with_retry_after(tmp_path: Path) -> None:
    names = ["api-accept-1", "api-accept-2", "api-console-1", "haproxy-stats"]
    layout = Layout(tmp_path, "127.0.0.1", find_free_port(), {name: find_free_port() for name in names})
    with open_front(layout, names[:2], names[2:3]) as front:
        answer = ask(f"{front}/webhooks/shopify")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.json()["status"] == 503
        metrics = ask(f"http://127.0.0.1:{layout.ports['haproxy-stats']}/metrics").text
        assert "haproxy_backend_active_servers" in metrics
