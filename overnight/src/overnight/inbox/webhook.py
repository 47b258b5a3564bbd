"""Work by webhook: signed requests become messages, after the public “Standard Webhooks”
specification.

A request carries `webhook-id` (the idempotency key), `webhook-timestamp` (seconds since 1970) and
`webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several of them
are separated by spaces.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
import traceback
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from overnight.errors import IdConflict, LedgerUnavailable, OvernightError, UserError
from overnight.inbox.messages import receive
from overnight.logs import log
from overnight.pipelines.app import App
from overnight.pipelines.lookups import debounces
from overnight.pipelines.pipeline import MAX_PAYLOAD
from overnight.signing import sign
from overnight.store.database import Database

# seconds that a timestamp may be off, both ways; the specification's libraries take the same
TOLERANCE = 300
BODY_LIMIT = (
    4 * MAX_PAYLOAD
)  # bytes, for a character of UTF-8 has up to four; what is over is left with its sender
RETRY_AFTER = 5  # seconds after which a sender is asked to come again while the database is away
HEALTH_LIMIT = 3.0  # seconds in which the database answers, if all is well
TIMESTAMP = re.compile(r"[0-9]{1,12}")


class BadSignature(OvernightError):
    """The request is not signed with our secret, or it is not of this moment."""


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The id of a message that was signed with the secret, near `now` (seconds since 1970). Raises
    `BadSignature`.
    """
    try:
        message_id, timestamp, signatures = (
            headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError as missing:
        raise BadSignature(f"the header {missing} is missing") from None
    if not TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > TOLERANCE:
        raise BadSignature(
            f"the webhook-timestamp is more than {TOLERANCE} seconds away from our clock"
        )
    right = sign(secret, message_id, timestamp, body).encode()
    if not any(hmac.compare_digest(right, one.encode()) for one in signatures.split()):
        raise BadSignature(
            "the webhook-signature does not fit the message: is it signed with our secret?"
        )
    return message_id


def build(
    app: App, database: Database, secret: bytes, *, clock: Callable[[], float] = time.time
) -> Starlette:
    """POST /pipelines/NAME and /events/NAME take a bare input or payload; GET /health asks the
    database.

    202: jobs begin. 200: it came before. 422: a dead letter is kept. Any other answer: nothing is,
    the sender has it.
    """

    async def take(request: Request, kind: str) -> Response:
        body = await _body(request)
        try:
            key = verify(secret, request.headers, body, clock())
            target = f"{kind}:{request.path_params['name']}"
            received = await receive(app, database, body, source="webhook", key=key, target=target)
        except BadSignature as error:
            return _error(401, error)
        except IdConflict as error:
            return _error(409, error)
        except UserError as error:
            return _error(400, error)
        except LedgerUnavailable:
            return _away(database)
        if received.error is not None:
            return JSONResponse({"error": received.error, "letter": received.letter}, 422)
        answer = {"jobs": received.jobs, "new": received.new}
        wait = debounces(app, request.path_params["name"]) if kind == "event" else 0.0
        if wait:  # till then a later event may take their place
            answer["debounce_seconds"] = wait
        return JSONResponse(answer, 202 if received.new else 200)

    async def pipelines(request: Request) -> Response:
        return await take(request, "pipeline")

    async def events(request: Request) -> Response:
        return await take(request, "event")

    async def health(_: Request) -> Response:
        try:
            async with asyncio.timeout(HEALTH_LIMIT):
                await database.fetch("select 1")
        except (LedgerUnavailable, TimeoutError):
            return _away(database)
        return JSONResponse({"healthy": True})

    routes = [
        Route("/pipelines/{name}", pipelines, methods=["POST"]),
        Route("/events/{name}", events, methods=["POST"]),
        Route("/health", health, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _fault})


async def _body(request: Request) -> bytes:
    """The whole body, unless it is over the limit: more than that is not read."""
    if int(request.headers.get("content-length", 0)) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise _too_large()
    except ClientDisconnect:
        raise HTTPException(400, "the request broke off") from None
    return bytes(body)


def _too_large() -> HTTPException:
    return HTTPException(
        413, f"the body is over {BODY_LIMIT:,} bytes and was not read", {"connection": "close"}
    )


def _error(status: int, error: object) -> Response:
    return JSONResponse({"error": str(error)}, status)


def _away(database: Database) -> Response:
    """Come again. An embedded server that is gone is started meanwhile."""
    return JSONResponse(
        {"error": "the database does not answer; send it again in a moment"},
        503,
        {"retry-after": str(RETRY_AFTER)},
        background=BackgroundTask(database.bring_back),
    )


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _fault(request: Request, error: Exception) -> Response:
    detail = "".join(traceback.format_exception(error))  # as text, so that secrets in it are masked
    log.error("webhook failed", path=request.url.path, detail=detail)
    return _error(500, f"a fault of ours, {type(error).__name__}; our log says more")
