"""A function URL's requests (payload format 2.0) for an ASGI app, and its answers."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

STREAMS = (
    "/live",
)  # an answer is sent when it is whole, so a stream would only run into the time limit


async def answer(site: ASGIApp, event: Mapping[str, Any]) -> dict[str, Any]:
    """The site's answer. Of what streams for ever the browser is told not to come again (204)."""
    if event.get("rawPath") in STREAMS:
        return {"statusCode": 204}
    started: list[Message] = []
    body = bytearray()
    pending = [_body(event)]

    async def receive() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        await asyncio.Event().wait()  # nobody can hang up
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        else:
            body.extend(message.get("body", b""))

    await site(_scope(event), receive, send)
    return _answer(started[0], bytes(body))


def _scope(event: Mapping[str, Any]) -> Scope:
    http = event["requestContext"]["http"]
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    path = event.get("rawPath") or "/"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": http["method"],
        "scheme": headers.get("x-forwarded-proto", "https"),
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": event.get("rawQueryString", "").encode(),
        "root_path": "",
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in headers.items()
        ],
        "client": (http.get("sourceIp", ""), 0),
        "server": (headers.get("host", ""), 443),
    }


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _answer(start: Message, body: bytes) -> dict[str, Any]:
    headers = [
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in start["headers"]
    ]
    return {
        "statusCode": start["status"],
        "headers": {name: value for name, value in headers if name != "set-cookie"},
        "cookies": [value for name, value in headers if name == "set-cookie"],
        "body": b64encode(body).decode(),
        "isBase64Encoded": True,
    }
