"""Slack, by an incoming webhook: Block Kit, with plain text for notifications and screen readers.

The limits are those of Slack's reference: 150 characters of a header, 3,000 of a section, 50
blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from overnight.alerts.channel import post, secret_url
from overnight.alerts.message import Item, Message

HEADER, SECTION, BLOCKS = 150, 3_000, 50
FALLBACK = 3_000  # characters of the plain text


@dataclass(frozen=True, slots=True)
class Slack:
    """The URL of an incoming webhook is a secret: whoever has it can write to the channel."""

    url: str = field(repr=False)
    name: str = "slack"
    kind: str = field(default="slack", init=False)

    def __post_init__(self) -> None:
        secret_url(self.url, f"the channel {self.name}")

    def send(self, message: Message, message_id: str) -> None:
        post(self.url, json.dumps(payload(message)).encode(), {})


def payload(message: Message) -> dict[str, Any]:
    """The body of a POST."""
    headings = [item.heading for item in message.items]
    blocks = [_header(message.title), *_report(message.report)]
    footer = _section("\n".join(_footer(message)))
    items = [_section("\n".join(_told(item))) for item in message.items]
    room = BLOCKS - len(blocks) - 1
    return {
        "text": _cut(_escaped("\n".join([message.title, *headings])), FALLBACK),
        "blocks": [*blocks, *items[:room], *([footer] if message.footer or message.url else [])],
        "unfurl_links": False,
    }


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": _cut(text, HEADER)}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION)}}


def _report(text: str) -> list[dict[str, Any]]:
    """Plain text in sections, cut between lines."""
    pieces, piece = [], ""
    for line in text.splitlines(keepends=True):
        if len(piece) + len(line) > SECTION and piece.strip():
            pieces.append(piece)
            piece = ""
        piece += line
    pieces += [piece] if piece.strip() else []
    return [
        {"type": "section", "text": {"type": "plain_text", "text": _cut(each, SECTION)}}
        for each in pieces[:10]
    ]


def _told(item: Item) -> Iterator[str]:
    heading = f"*{_escaped(item.heading)}*"
    yield f"{heading} {_link(item.url, 'open')}" if item.url else heading
    if item.state != "resolved":
        yield _escaped(item.why)
        press = f"`{_escaped(item.press)}`" if item.press else None
        if parts := [each for each in (item.cost, press) if each]:
            yield " · ".join(parts)


def _footer(message: Message) -> Iterator[str]:
    if message.footer:
        yield _escaped(message.footer)
    if message.url:
        yield _link(message.url, "open the console")


def _link(url: str, text: str) -> str:
    return f"<{_escaped(url).replace('|', '%7C')}|{text}>"


def _escaped(text: str) -> str:
    """The three letters that Slack reads as its own; a mention cannot be written without them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, limit: int) -> str:
    """Cut, and not within an escaped letter."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, ampersand, tail = cut.rpartition("&")
    return (head if ampersand and ";" not in tail and len(tail) < 4 else cut) + "…"
