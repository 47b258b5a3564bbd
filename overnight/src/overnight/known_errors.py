"""The errors of the libraries that steps use, by the names of their classes: none is imported.
Loaded with the first error that neither the app nor overnight itself has classed, or that is
transient.

A time-out, a connection that broke, a 429 and a 5xx are transient; a 4xx is permanent. What stands
in no table is unknown.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from overnight import http_headers
from overnight.errors import MAX_RETRY_AFTER, ErrorClass
from overnight.logs import shown

# Below 500: request timeout, too early (RFC 8470), too many requests.
TRANSIENT_STATUSES = {408, 425, 429}
UNREACHABLE = {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH}
# SQLSTATE classes: connection, rollback (deadlock, serialization), resources, operator (shutdown,
# statement timeout), system; and single states: object in use, lock not available, a transaction
# that was idle for too long, a standby.
TRANSIENT_SQL = {"08", "40", "53", "57", "58", "55006", "55P03", "25P03", "25006"}
MAX_WRAPPED = 20  # errors behind one that are looked at
UNTRUSTED = "ssl.SSLCertVerificationError"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; its own `code` says more than the status."""

    status: int | None = None
    headers: http_headers.Headers = field(default_factory=dict)
    code: str | None = None


def _of_aws(error: Any) -> Answer:
    meta = error.response.get("ResponseMetadata", {})
    return Answer(
        meta.get("HTTPStatusCode"),
        meta.get("HTTPHeaders", {}),
        error.response.get("Error", {}).get("Code"),
    )


def _of_anthropic(error: Any) -> Answer:
    body = error.body if isinstance(error.body, dict) else {}
    return Answer(error.status_code, error.response.headers, body.get("error", {}).get("type"))


# By the name of the package and that of the class, wherever in the package it is.
ANSWERS: dict[str, Callable[[Any], Answer]] = {
    "aiohttp.ClientResponseError": lambda error: Answer(error.status, error.headers or {}),
    "anthropic.APIStatusError": _of_anthropic,
    "botocore.ClientError": _of_aws,
    "httpx.HTTPStatusError": lambda error: Answer(
        error.response.status_code, error.response.headers
    ),
    "openai.APIStatusError": lambda error: Answer(
        error.status_code, error.response.headers, error.code or error.type
    ),
    # In mid-stream, after a 200.
    "openai.APIError": lambda error: Answer(code=error.code or error.type),
    "urllib.HTTPError": lambda error: Answer(error.code, error.headers),
}
ANSWERS |= {
    "httpx2.HTTPStatusError": ANSWERS["httpx.HTTPStatusError"],
    "requests.HTTPError": ANSWERS["httpx.HTTPStatusError"],
}

# Those of AWS are what botocore itself retries (botocore/retries/standard.py); those of the models'
# APIs are from their references of errors.
CODES: Mapping[str, ErrorClass] = {
    "BandwidthLimitExceeded": "transient",
    "EC2ThrottledException": "transient",
    "LimitExceededException": "transient",
    "PriorRequestNotComplete": "transient",
    "ProvisionedThroughputExceededException": "transient",
    "RequestLimitExceeded": "transient",
    "RequestThrottled": "transient",
    "RequestThrottledException": "transient",
    "RequestTimeout": "transient",
    "RequestTimeoutException": "transient",
    "SlowDown": "transient",
    "ThrottledException": "transient",
    "Throttling": "transient",
    "ThrottlingException": "transient",
    "TooManyRequestsException": "transient",
    "TransactionInProgressException": "transient",
    "api_error": "transient",
    "overloaded_error": "transient",
    "rate_limit_error": "transient",
    "rate_limit_exceeded": "transient",
    "server_error": "transient",
    "timeout_error": "transient",
    # A 429 all the same: no pause heals it.
    "billing_hard_limit_reached": "permanent",
    "insufficient_quota": "permanent",
}

CLASSES: Mapping[str, ErrorClass] = {
    "aiohttp.ClientConnectionError": "transient",
    "aiohttp.ClientPayloadError": "transient",
    "anthropic.APIConnectionError": "transient",
    "anthropic.ConflictError": "transient",  # a lock that timed out: the SDK itself retries it
    "boto3.RetriesExceededError": "transient",
    "botocore.ConnectionError": "transient",
    "botocore.HTTPClientError": "transient",
    "botocore.IncompleteReadError": "transient",
    "builtins.ConnectionError": "transient",
    "builtins.TimeoutError": "transient",
    "http.BadStatusLine": "transient",
    "http.IncompleteRead": "transient",
    "httpx.LocalProtocolError": "permanent",
    "httpx.TransportError": "transient",
    "httpx.UnsupportedProtocol": "permanent",
    "httpx2.LocalProtocolError": "permanent",
    "httpx2.TransportError": "transient",
    "httpx2.UnsupportedProtocol": "permanent",
    "openai.APIConnectionError": "transient",
    "openai.ConflictError": "transient",
    "requests.ChunkedEncodingError": "transient",
    "requests.ConnectionError": "transient",
    "requests.RetryError": "transient",
    "requests.Timeout": "transient",
    "socket.gaierror": "transient",
    UNTRUSTED: "permanent",
    "ssl.SSLEOFError": "transient",
    "ssl.SSLZeroReturnError": "transient",
    "urllib3.ProtocolError": "transient",
    "urllib3.TimeoutError": "transient",
}


def _of_database(error: Any) -> ErrorClass:
    state = error.sqlstate
    if state is None:  # the connection failed, or the driver itself refused
        return "transient" if "psycopg.OperationalError" in _names(error) else "unknown"
    return "transient" if TRANSIENT_SQL & {state, state[:2]} else "permanent"


def _of_system(error: Any) -> ErrorClass:
    return "transient" if error.errno in UNREACHABLE else "unknown"


def _of_wrapped(error: Any) -> ErrorClass:
    classes = map(_class, list(_with_wrapped(error))[1:])
    return next((class_ for class_ in classes if class_ != "unknown"), "unknown")


RULES: Mapping[str, Callable[[Any], ErrorClass]] = {
    "boto3.S3UploadFailedError": lambda error: _class(error.__context__),
    "builtins.OSError": _of_system,
    "psycopg.Error": _of_database,
    "urllib.URLError": _of_wrapped,
    "urllib3.MaxRetryError": _of_wrapped,
}


def classify(error: BaseException) -> ErrorClass:
    try:
        return _class(error)
    except Exception:  # it has not what its class promises
        return "unknown"


def retry_after(error: BaseException) -> tuple[float | None, str]:
    """The seconds that the other side asked for: the `retry_after` of an error, which an adapter
    may have taken from a header as it came, or that of the answer which the error carries.

    None, and what to add to the message, where they are no seconds.
    """
    wish: Any = None
    try:
        wish = error.retry_after if hasattr(error, "retry_after") else _wait(_answer(error))
        number = wish.total_seconds() if isinstance(wish, timedelta) else wish
        seconds = 0.0 if number is None else float(number)
    except Exception as fault:
        seconds, wish = math.nan, fault if wish is None else wish
    if seconds >= 0:
        return seconds, ""
    return None, f" (its retry_after is no number of seconds: {shown(wish)})"


def _class(error: BaseException) -> ErrorClass:
    for name in _names(error):
        if name in CLASSES:
            return "permanent" if _is_untrusted(error) else CLASSES[name]
        if name in ANSWERS:
            return _of_answer(_answer(error))
        if name in RULES:
            return RULES[name](error)
    return "unknown"


def _answer(error: BaseException) -> Answer:
    """What the other side said, as far as the error tells it."""
    try:
        return next((ANSWERS[name](error) for name in _names(error) if name in ANSWERS), Answer())
    except Exception:  # a response that is missing, an attribute that raises
        return Answer()


def _of_answer(answer: Answer) -> ErrorClass:
    if answer.code is not None and answer.code in CODES:
        return CODES[answer.code]
    status = answer.status or 0
    if status in TRANSIENT_STATUSES or status >= 500:
        return "transient"
    if status < 400:
        return "unknown"
    # A server that names a time says that the refusal is temporary (RFC 9110, 15.5.14), as some do
    # with a 403.
    return "permanent" if _wait(answer) is None else "transient"


def _wait(answer: Answer) -> float | None:
    return http_headers.retry_after(answer.headers, datetime.now(UTC), at_most=MAX_RETRY_AFTER)


def _is_untrusted(error: BaseException) -> bool:
    """Whether a certificate that does not fit is behind it: no pause heals it."""
    return any(UNTRUSTED in _names(each) for each in _with_wrapped(error))


def _with_wrapped(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it wraps, as cause or argument (botocore: as argument by name).

    Not its context: that may be what failed before, and this its substitute.
    """
    errors = [error]
    for each in errors:  # it grows meanwhile
        yield each
        for inner in (each.__cause__, *each.args, *getattr(each, "kwargs", {}).values()):
            is_new = isinstance(inner, BaseException) and not any(inner is one for one in errors)
            if is_new and len(errors) < MAX_WRAPPED:
                errors.append(inner)


def _names(error: BaseException) -> list[str]:
    return [f"{c.__module__.partition('.')[0]}.{c.__name__}" for c in type(error).__mro__]
