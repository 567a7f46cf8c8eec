"""One exception tree and one error shape (RFC 9457 problem details).

PalmonasError
+-- ConfigError            a setting is missing or wrong; stops the start
+-- UsageError             a command was given something it cannot use
+-- RequestError           the sender's fault; carries the HTTP status of the answer
|   +-- BadSignature         401
|   +-- Unauthorized         401
|   +-- Forbidden            403
|   +-- NotFound             404
|   +-- Malformed            400  (not JSON, no id, bad parameter)
|   +-- RequestTimeout       408  (the body did not arrive in time)
|   +-- Conflict             409
|   +-- PreconditionFailed   412
|   +-- TooLarge             413
|   +-- UnsupportedMediaType 415
|   +-- PreconditionRequired 428
|   +-- TooManyRequests      429  with Retry-After
+-- Unavailable            503 with Retry-After: a server we need did not answer within its deadline
|   +-- PoolTimeout          no connection became free in time
|   +-- QueueUnavailable     Redis did not answer
|   +-- SessionsUnavailable  Redis did not answer, and it holds the sessions
|   +-- StoreUnavailable     PostgreSQL did not answer
|   +-- PrometheusUnavailable  Prometheus did not answer, or is not set
|   +-- AlertmanagerUnavailable  Alertmanager did not answer, or is not set
|   +-- Overloaded           more waits than this instance can hold
+-- BadGateway             502: a server we asked for a caller answered what cannot be passed on
+-- StoreRejected          PostgreSQL refused the data itself; trying again will not help
+-- PayloadError           signed, but not an order we can read; the delivery is retried, then quarantined
+-- CallFailed             a sales channel did not do what it was asked; trying again later may help
+-- PushRefused            a sales channel will not do what it was told; trying again will not help
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar, Literal


class PalmonasError(Exception):
    """Base of every error this project raises on purpose."""


class ConfigError(PalmonasError):
    """A setting is missing, wrong, or a default secret."""


class UsageError(PalmonasError):
    """A command cannot do what was asked; the text says what to do instead."""


class AnswerableError(PalmonasError):
    """An error with an HTTP answer. `reason` is its fixed, low-cardinality name in metrics and logs."""

    status: ClassVar[int] = 500
    reason: ClassVar[str] = "internal"
    retry_after_s: int | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class RequestError(AnswerableError):
    """The request cannot be served as it was sent."""

    status = 400
    reason = "malformed"


class BadSignature(RequestError):
    status = 401
    reason = "bad_signature"


class Unauthorized(RequestError):
    status = 401
    reason = "unauthorized"


class Forbidden(RequestError):
    status = 403
    reason = "forbidden"


class NotFound(RequestError):
    status = 404
    reason = "not_found"


class Malformed(RequestError):
    status = 400
    reason = "malformed"


class RequestTimeout(RequestError):
    status = 408
    reason = "request_timeout"


class Conflict(RequestError):
    status = 409
    reason = "conflict"


class PreconditionFailed(RequestError):
    status = 412
    reason = "precondition_failed"


class TooLarge(RequestError):
    status = 413
    reason = "too_large"


class UnsupportedMediaType(RequestError):
    status = 415
    reason = "unsupported_media_type"


class PreconditionRequired(RequestError):
    status = 428
    reason = "precondition_required"


class TooManyRequests(RequestError):
    """Asked too often; `retry_after_s` seconds from now is soon enough."""

    status = 429
    reason = "too_many_requests"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(AnswerableError):
    """Something we depend on did not answer in time; the sender should try again."""

    status = 503
    reason = "unavailable"
    retry_after_s = 5


class PoolTimeout(Unavailable):
    reason = "pool_timeout"


class QueueUnavailable(Unavailable):
    reason = "queue_unavailable"


class SessionsUnavailable(Unavailable):
    reason = "sessions_unavailable"


class StoreUnavailable(Unavailable):
    reason = "store_unavailable"


class PrometheusUnavailable(Unavailable):
    reason = "prometheus_unavailable"


class AlertmanagerUnavailable(Unavailable):
    reason = "alertmanager_unavailable"


class Overloaded(Unavailable):
    reason = "overloaded"


class BadGateway(AnswerableError):
    status = 502
    reason = "bad_gateway"


class StoreRejected(PalmonasError):
    """The database refused the data (a constraint, an overflow, a bad character): not a matter of time."""


class PayloadError(PalmonasError):
    """A signed delivery that does not parse into what its channel promises."""


CallOutcome = Literal[
    "timeout",
    "connection",
    "server_error",
    "rate_limited",
    "refused",
    "circuit_open",
    "bad_answer",
    "client_error",
]


class CallFailed(PalmonasError):
    """A call to a sales channel failed.

    `outcome` is its fixed name in metrics and logs; `status` the HTTP status, if there was one; `retry_after_s`
    how long the channel asked to be left alone, in seconds. The text holds no credential, query or body.
    """

    def __init__(
        self,
        outcome: CallOutcome,
        detail: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.outcome: CallOutcome = outcome
        self.status = status
        self.retry_after_s = retry_after_s


class PushRefused(PalmonasError):
    """A sales channel refuses a status for good; the text says why, without a customer's data."""


def problem(status: int, reason: str, detail: str, request_id: str) -> dict[str, Any]:
    """The one error body: RFC 9457 members `type`, `title`, `status`, `detail`, and our `request_id`."""
    return {
        "type": f"urn:palmonas:problem:{reason}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
