"""One channel's way out: HTTP with a checked address, verified TLS, one deadline, bounded answers, a breaker.

Python's own HTTP client on a socket of ours: so what was checked is what is talked to, nothing is followed,
no proxy, cookie or password file comes in from the environment, and the whole exchange ends at one deadline.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, InvalidURL
from typing import Any, get_args
from urllib.parse import SplitResult, urlencode, urlsplit

import pybreaker
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from app import telemetry
from app.errors import CallFailed, CallOutcome, ConfigError
from app.outbound.connecting import AddressRefused, CutOff, Deadline, connect
from app.outbound.pacing import read_retry_after

PORTS = {"https": 443, "http": 80}
CHUNK = 1 << 16
STANDING_HEADERS = {"User-Agent": "palmonas", "Accept": "application/json", "Accept-Encoding": "identity"}
FAILURES_TO_OPEN = 5
# What says that the channel itself works, however little it liked the request.
HEALTHY_OUTCOMES = frozenset({"rate_limited", "client_error"})
CIRCUIT_STATES = {pybreaker.STATE_CLOSED: 0, pybreaker.STATE_HALF_OPEN: 1, pybreaker.STATE_OPEN: 2}


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx. Header names are in lower case; of one that came several times, the values joined by a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: SplitResult
    headers: Mapping[str, str]
    body: bytes | None
    max_bytes: int

    @property
    def host(self) -> str:
        return self.url.hostname or ""

    @property
    def port(self) -> int:
        return self.url.port or PORTS[self.url.scheme]

    @property
    def target(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")


class _StateMetric(pybreaker.CircuitBreakerListener):
    def state_change(self, cb: pybreaker.CircuitBreaker, old_state: Any, new_state: Any) -> None:
        telemetry.CHANNEL_CIRCUIT_STATE.labels(cb.name).set(CIRCUIT_STATES[new_state.name])


class Door:
    """Calls to `channel` at `base_url`. Keep one per process: it holds the channel's circuit breaker.

    `allow` names the "host:port" that may be private and may be plain http: the simulator, a shop next door.
    `timeout_s` bounds a whole call, from the name to the last byte. `ca_file` is trusted beside the usual
    authorities. The counters of `operations` begin at zero. `called` is called after each call, however it ended: a
    page can take many, and who waits for it wants to see it move. Raises ConfigError when the address cannot be used.
    """

    def __init__(
        self,
        channel: str,
        base_url: str,
        *,
        allow: frozenset[str] = frozenset(),
        timeout_s: float = 10.0,
        reset_s: float = 30.0,
        ca_file: str | None = None,
        operations: tuple[str, ...] = (),
        called: Callable[[], None] = lambda: None,
    ) -> None:
        self.channel = channel
        self._called = called
        self._allow = frozenset(entry.lower() for entry in allow)
        self._timeout_s = timeout_s
        self._reset_s = reset_s
        self._base_url = base_url.rstrip("/")
        problem = self._explain_url(self._base_url)
        if problem:
            raise ConfigError(f"the address of the channel {channel} {problem}")
        self._tls = make_tls(ca_file)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES_TO_OPEN,
            reset_timeout=reset_s,
            name=channel,
            exclude=[_is_healthy],
            listeners=[_StateMetric()],
            throw_new_error_on_trip=False,
        )
        telemetry.CHANNEL_CIRCUIT_STATE.labels(channel).set(0)
        for operation in operations:
            telemetry.CHANNEL_CALL_SECONDS.labels(channel, operation)
            for outcome in ("ok", *get_args(CallOutcome)):
                telemetry.CHANNEL_CALLS.labels(channel, operation, outcome)

    def __repr__(self) -> str:
        return f"Door({self.channel!r})"

    def call(
        self,
        operation: str,
        method: str,
        path_or_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json_body: Any = None,
        data: bytes | None = None,
        max_bytes: int = 8 << 20,
    ) -> Answer:
        """One HTTP exchange. `path_or_url` is under the base address, or a whole address of its own.

        Returns a 2xx. Raises CallFailed for everything else: its `status` is that of the answer, when one came.
        Redirects are not followed. `data` is sent as it is, `json_body` as JSON.
        """
        if json_body is not None:
            data = json.dumps(json_body, separators=(",", ":")).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        started = time.perf_counter()
        outcome: str | None = None  # stays None when the process is stopped in the middle
        try:
            url = self._make_url(operation, path_or_url, params)
            request = _Request(method, url, {**STANDING_HEADERS, **(headers or {})}, data, max_bytes)
            answer = self._breaker.call(self._exchange, operation, request)
            outcome = "ok"
            return answer
        except pybreaker.CircuitBreakerError:
            outcome = "circuit_open"
            detail = "is not called for now: its last calls failed"
            raise self._fail("circuit_open", operation, detail, retry_after_s=self._reset_s) from None
        except CallFailed as error:
            outcome = error.outcome
            raise
        finally:
            if outcome:
                telemetry.CHANNEL_CALLS.labels(self.channel, operation, outcome).inc()
            telemetry.CHANNEL_CALL_SECONDS.labels(self.channel, operation).observe(time.perf_counter() - started)
            self._called()

    def _fail(self, outcome: CallOutcome, operation: str, detail: str, **more: Any) -> CallFailed:
        return CallFailed(outcome, f"{self.channel} {operation}: the channel {detail}", **more)

    def _is_allowed(self, host: str, port: int) -> bool:
        return f"[{host}]:{port}" in self._allow if ":" in host else f"{host}:{port}" in self._allow

    def _explain_url(self, url: str) -> str | None:
        """Why `url` may not be called, without quoting it; None when it may."""
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS.get(parts.scheme)
        except ValueError:
            return "is not a web address"
        if parts.scheme not in PORTS or not parts.hostname or not port:
            return "must begin with https:// and name a host"
        if parts.username is not None or parts.password is not None:
            return "must not hold a user name or password"
        if parts.scheme == "http" and not self._is_allowed(parts.hostname, port):
            return "must begin with https://; plain http is only for what PALMONAS_OUTBOUND_ALLOW names"
        return None

    def _make_url(self, operation: str, path_or_url: str, params: Mapping[str, str] | None) -> SplitResult:
        whole = path_or_url.startswith(("http://", "https://"))
        url = path_or_url if whole else self._base_url + path_or_url
        problem = self._explain_url(url)
        if problem:
            raise self._fail("refused", operation, f"has an address that {problem}")
        return urlsplit(f"{url}?{urlencode(params)}" if params else url)

    def _exchange(self, operation: str, request: _Request) -> Answer:
        deadline = Deadline(self._timeout_s)
        try:
            answer = self._talk(operation, request, deadline)
            deadline.check()  # a connection cut at its deadline looks like an answer that has ended
            return answer
        except CallFailed:
            if deadline.passed:
                raise self._fail("timeout", operation, f"took longer than {self._timeout_s:g} s") from None
            raise
        except AddressRefused:
            detail = "has no public address, and PALMONAS_OUTBOUND_ALLOW does not name it"
            raise self._fail("refused", operation, detail) from None
        except (OSError, HTTPException, ValueError) as error:
            # `from None`: the text of these quotes addresses and headers
            if deadline.passed or isinstance(error, TimeoutError):
                raise self._fail("timeout", operation, f"took longer than {self._timeout_s:g} s") from None
            if isinstance(error, ssl.SSLCertVerificationError):
                raise self._fail("connection", operation, "shows a certificate that is not trusted") from None
            if isinstance(error, OSError):
                detail = f"cannot be reached ({type(error).__name__})"
                raise self._fail("connection", operation, detail) from None
            if isinstance(error, ValueError | InvalidURL):  # a header or path of ours that must not be sent
                raise self._fail("refused", operation, "is asked in a way that is not HTTP") from None
            detail = f"answered what is not HTTP ({type(error).__name__})"
            raise self._fail("bad_answer", operation, detail) from None

    def _talk(self, operation: str, request: _Request, deadline: Deadline) -> Answer:
        allowed = self._is_allowed(request.host, request.port)
        plain = connect(request.host, request.port, deadline, allow_private=allowed)
        connection = HTTPConnection(request.host, request.port)
        connection.sock = plain
        cut_off = None
        try:
            cut_off = CutOff(plain, deadline)
            if request.url.scheme == "https":
                connection.sock = self._tls.wrap_socket(plain, server_hostname=request.host)
                connection.default_port = PORTS["https"]  # for the Host header
            connection.request(request.method, request.target, body=request.body, headers=dict(request.headers))
            response = connection.getresponse()
            try:
                return self._read_answer(operation, request, response)
            finally:
                response.close()
        finally:
            connection.close()
            if cut_off:
                cut_off.close()

    def _read_answer(self, operation: str, request: _Request, response: HTTPResponse) -> Answer:
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        status = response.status
        if not 200 <= status < 300:
            raise self._judge_status(operation, status, headers)
        if headers.get("content-encoding", "identity") != "identity":
            raise self._fail("bad_answer", operation, "answered in an encoding that was not asked for")
        declared = response.length
        parts, size = [], 0
        while size <= request.max_bytes and (part := response.read(CHUNK)):
            parts.append(part)
            size += len(part)
        if size > request.max_bytes or (declared or 0) > request.max_bytes:
            raise self._fail("bad_answer", operation, f"answered more than {request.max_bytes} bytes")
        if declared is not None and size < declared:
            raise self._fail("bad_answer", operation, "broke off in its answer")
        return Answer(status, headers, b"".join(parts))

    def _judge_status(self, operation: str, status: int, headers: Mapping[str, str]) -> CallFailed:
        outcome: CallOutcome = "bad_answer"
        detail, after = f"answered with status {status}", None
        if status == 429:
            outcome, after = "rate_limited", read_retry_after(headers)
        elif status >= 500:
            outcome, after = "server_error", read_retry_after(headers)
        elif status >= 400:
            outcome = "client_error"
        elif 300 <= status < 400:
            detail = f"redirects (status {status}), which is not followed"
        return self._fail(outcome, operation, detail, status=status, retry_after_s=after)


@cache
def make_tls(ca_file: str | None) -> ssl.SSLContext:
    """One for all doors of the process: to read the authorities takes a tenth of a second."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)  # for a machine without authorities of its own
    if ca_file:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _is_healthy(error: Any) -> bool:
    """For the breaker: True for an error that is no sign of a channel in trouble, a stopping process included."""
    return not isinstance(error, CallFailed) or error.outcome in HEALTHY_OUTCOMES
