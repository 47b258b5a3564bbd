"""What the adapters of HTTP APIs share: how a failure is classed, and how it is told."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import SecretStr

from overnight.errors import ConfigError
from overnight.llm.port import CallFailed, Kind, PermanentCall, Request, TransientCall, Usage

LONGEST_MESSAGE = 300  # characters
CONNECT_TIMEOUT = 10.0  # seconds
DRAIN_TIMEOUT = 0.5  # seconds

# Failures by HTTP status. What stands in neither is transient from 500 on, and permanent below.
TRANSIENT: dict[int | str | None, Kind] = {408: "timeout", 409: "server", 429: "rate_limit", 504: "timeout"}
TRANSIENT[529] = "overloaded"
PERMANENT: dict[int | str | None, Kind] = {
    400: "bad_request",
    401: "auth",
    402: "spend_cap",
    403: "auth",
    404: "not_found",
    413: "too_large",
    422: "bad_request",
}


def checked_key(api_key: str, whose: str) -> SecretStr:
    """The key without white space around it. Raises `ConfigError`, and does not repeat it."""
    key = api_key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"The API key of {whose} is empty or has characters that no key has.")
    return SecretStr(key)


def check_url(base_url: str, whose: str) -> None:
    if not base_url.startswith(("http://", "https://")):
        raise ConfigError(f"The base URL of {whose} must begin with http:// or https://.")


async def drain(stream: AsyncIterator[object]) -> None:
    """Read what follows a finished answer: a connection whose stream came to its end serves the next call too.

    A server that does not end it soon costs its connection, and not the answer.
    """
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_TIMEOUT):
            async for _ in stream:
                pass


def explain(error: Exception, usage: Usage | None, who: str, deadline: float) -> CallFailed | None:
    """What went wrong with the call to `who`; None for an error that is not the call's."""
    import httpx2

    if isinstance(error, CallFailed):
        return error
    if isinstance(error, httpx2.TimeoutException):
        return TransientCall(f"{who} was silent for longer than the read timeout.", kind="timeout", usage=usage)
    if isinstance(error, TimeoutError):
        return TransientCall(f"{who} did not finish its answer within {deadline:g} s.", kind="timeout", usage=usage)
    if isinstance(error, httpx2.RequestError):
        return dropped(error, usage, who)
    if isinstance(error, UnicodeEncodeError):
        return PermanentCall("The prompt has characters that are not Unicode text.", kind="bad_request")
    if isinstance(error, UnicodeDecodeError):
        return TransientCall(f"The stream of {who} is not UTF-8.", kind="malformed", usage=usage)
    return None


def dropped(error: Exception, usage: Usage | None, who: str) -> TransientCall:
    cause = type(error.__cause__ or error).__name__
    return TransientCall(f"The connection to {who} failed ({cause}).", kind="dropped", usage=usage)


def told(failure: CallFailed, key: SecretStr | None) -> CallFailed:
    """The failure with its message on one line, short and without the key."""
    text = str(failure)
    if key is not None:
        text = text.replace(key.get_secret_value(), "[key]")
    text = " ".join(text.split())
    failure.args = (text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…",)
    return failure


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def seconds(retry_after: str | None) -> float | None:
    """Seconds or a date (RFC 9110, 10.2.3); None for anything else."""
    if retry_after is None:
        return None
    try:
        wait = float(retry_after)
    except ValueError:
        try:
            wait = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, wait) if math.isfinite(wait) else None


def most(request: Request) -> Usage:
    """What is booked where a server does not count: the most that the call can have used up."""
    return Usage(input_tokens=request.most_input_tokens, output_tokens=request.max_tokens, assumed=True)
