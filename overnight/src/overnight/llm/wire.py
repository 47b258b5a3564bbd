"""What the adapters of HTTP APIs share: the event stream, the answer's frame, how a failure is
classed and told.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from overnight.errors import MAX_RETRY_AFTER, ConfigError
from overnight.http_headers import retry_after
from overnight.llm import sse
from overnight.llm.port import CallFailed, Kind, PermanentCall, Request, TransientCall, Usage, unfit

if TYPE_CHECKING:
    from httpx2 import Response

LONGEST_MESSAGE = 300  # characters
CONNECT_TIMEOUT = 10.0  # seconds
DRAIN_TIMEOUT = 0.5  # seconds
MOST_TOKENS = 2**31 - 1  # that the ledger stores of a call
INVALID = object()  # what is no JSON
_THOUGHTS = re.compile(r"</(think|thinking|thought|reasoning)>")
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*[\w+.-]*[ \t]*(?=[\r\n{\[\"])")

# Failures by HTTP status. What stands in neither is transient from 500 on, and permanent below.
TRANSIENT: dict[int | str | None, Kind] = {
    408: "timeout",
    409: "server",
    429: "rate_limit",
    504: "timeout",
}
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


async def events(response: Response) -> AsyncIterator[sse.Event]:
    """The events of a stream that have data. Raises `BadStream`."""
    parser = sse.Parser()
    async for chunk in response.aiter_bytes():
        for event in parser.feed(chunk):
            if event.data:
                yield event
    for event in parser.end():
        if event.data:
            yield event


async def drain(stream: AsyncIterator[object]) -> None:
    """Read what follows a finished answer: a connection whose stream came to its end serves the
    next call too.

    A server that does not end it soon costs its connection, and not the answer.
    """
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_TIMEOUT):
            async for _ in stream:
                pass


def explain(
    error: BaseException, usage: Usage | None, who: str, deadline: float
) -> CallFailed | None:
    """What went wrong with the call to `who`, with what it used up; None for an error that is not
    the call's.
    """
    import httpx2

    if isinstance(error, CallFailed):
        error.usage = error.usage or usage
        return error
    if isinstance(error, sse.BadStream):
        return TransientCall(f"The stream of {who} {error}.", kind="malformed", usage=usage)
    if isinstance(error, httpx2.TimeoutException):
        return TransientCall(
            f"{who} was silent for longer than the read timeout.", kind="timeout", usage=usage
        )
    if isinstance(error, TimeoutError):
        return TransientCall(
            f"{who} did not finish its answer within {deadline:g} s.", kind="timeout", usage=usage
        )
    if isinstance(error, httpx2.RequestError):
        return dropped(error, usage, who)
    if isinstance(error, UnicodeEncodeError):
        return PermanentCall(
            "The prompt has characters that are not Unicode text.", kind="bad_request"
        )
    return None


def report(usage: Usage | None, on_usage: Callable[[Usage], None]) -> None:
    if usage is not None:
        on_usage(usage)


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


def json_answer(text: str, usage: Usage) -> str:
    """The JSON of an answer, without a frame around it. Raises `TransientCall` for
    anything else.
    """
    for answer in (text, unframed(text)):
        if decoded(answer) is not INVALID:
            return answer
    raise unfit("The answer is not well-formed JSON.", usage)


def unframed(text: str) -> str:
    """What stands in the one frame that encloses the whole of a text: a think block before it, a
    code fence around it.

    Thinking models write the block where their server does not take it out; its opening tag may be
    in the prompt that the server makes, so that only the closing one is left. Nothing is searched
    for: prose around the answer stays.
    """
    answer = text.strip()
    if closing := _THOUGHTS.search(answer):
        opening, thoughts = f"<{closing[1]}>", answer[: closing.start()]
        if thoughts.startswith(opening) or opening not in thoughts:
            answer = answer[closing.end() :].strip()
    if fence := _FENCE.match(answer):
        inner = answer[fence.end() :]
        body = inner.rstrip(fence[1][0])
        if len(inner) - len(body) >= len(fence[1]):
            return body.strip()
    return answer


def decoded(body: bytes | str) -> Any:
    """The value of a JSON text; `INVALID` where it is none, or is nested too deeply to be read."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return INVALID


def lines(body: str, who: str) -> list[Mapping[str, Any]]:
    """The objects of a JSON Lines text. Raises `TransientCall` where a line is none."""
    values = [decoded(line) for line in body.split("\n") if line.strip()]
    if not all(isinstance(value, dict) for value in values):
        raise TransientCall(f"The results of {who} cannot be read.", kind="malformed")
    return values


def joined(pieces: list[str]) -> str:
    """The text of its pieces. The two halves of a character beyond U+FFFF, which JSON may part,
    become one again.
    """
    text = "".join(pieces)
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """A piece of an answer. Raises `TypeError` for what is none."""
    if not isinstance(value, str):
        raise TypeError("a text is wanted")
    return value


def count(value: object) -> int | None:
    """A number of tokens as a server tells it; None for what cannot be one."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= MOST_TOKENS
    ):
        return None
    return int(value)


def waiting(headers: Mapping[str, str]) -> float | None:
    """For how many seconds an answer asks to wait."""
    return retry_after(headers, datetime.now(UTC), at_most=MAX_RETRY_AFTER)


def most(request: Request) -> Usage:
    """What is booked where a server does not count: the most that the call can have used up."""
    return Usage(
        input_tokens=request.most_input_tokens, output_tokens=request.max_tokens, assumed=True
    )
