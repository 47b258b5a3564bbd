"""Slack, by an incoming webhook: Block Kit, with plain text for notifications and screen readers.

The limits are those of Slack's reference: 150 characters of a header, 3,000 of a section, 75 of a
button, 2,000 of its value, 300 of its question, 50 blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from overnight.alerts.channel import post, secret_url
from overnight.alerts.message import Button, Item, Message

# What Slack signs its requests with, once its app offers buttons: the console checks it.
SIGNING_VARIABLE = "OVERNIGHT_SLACK_SIGNING_SECRET"
HEADER, SECTION, BLOCKS = 150, 3_000, 50
LABEL, VALUE, QUESTION = 75, 2_000, 300
STYLES = {"good": "primary", "danger": "danger"}
FALLBACK = 3_000  # characters of the plain text


@dataclass(frozen=True, slots=True)
class Slack:
    """The URL of an incoming webhook is a secret: whoever has it can write to the channel.

    With `buttons` a message offers what to press. It takes a webhook of a Slack app whose
    interactivity leads to `/slack` of the console.
    """

    url: str = field(repr=False)
    name: str = "slack"
    buttons: bool = False
    kind: str = field(default="slack", init=False)

    def __post_init__(self) -> None:
        secret_url(self.url, f"the channel {self.name}")

    def send(self, message: Message, message_id: str) -> None:
        post(self.url, json.dumps(payload(message, buttons=self.buttons)).encode(), {})


def payload(message: Message, *, buttons: bool = False) -> dict[str, Any]:
    """The body of a POST. No alert is left out for the buttons of another."""
    headings = [item.heading for item in message.items]
    blocks = [_header(message.title), *_report(message.report)]
    footer = _section("\n".join(_footer(message)))
    room = BLOCKS - len(blocks) - 1
    items = _items(message.items[:room], room if buttons else 0)
    return {
        "text": _cut(escaped("\n".join([message.title, *headings])), FALLBACK),
        "blocks": [*blocks, *items, *([footer] if message.footer or message.url else [])],
        "unfurl_links": False,
    }


def _items(items: Sequence[Item], room: int) -> Iterator[dict[str, Any]]:
    spare = room - len(items)
    for number, item in enumerate(items):
        yield _section("\n".join(_told(item)))
        elements = [_button(each) for each in item.buttons if len(_value(each)) <= VALUE]
        if elements and spare > 0:
            spare -= 1
            yield {"type": "actions", "block_id": f"alert-{number}", "elements": elements}


def _button(button: Button) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "button",
        "action_id": button.verb,
        "text": _plain(button.label, LABEL),
        "value": _value(button),
    }
    if button.kind in STYLES:
        element["style"] = STYLES[button.kind]
    if button.confirm:
        element["confirm"] = {
            "title": _plain(button.label, LABEL),
            "text": _plain(button.confirm, QUESTION),
            "confirm": _plain("Yes", LABEL),
            "deny": _plain("No", LABEL),
        }
    return element


def _value(button: Button) -> str:
    return json.dumps(dict(button.values), ensure_ascii=False)


def _plain(text: str, limit: int) -> dict[str, str]:
    return {"type": "plain_text", "text": _cut(text, limit)}


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": _plain(text, HEADER)}


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
    return [{"type": "section", "text": _plain(each, SECTION)} for each in pieces[:10]]


def _told(item: Item) -> Iterator[str]:
    heading = f"*{escaped(item.heading)}*"
    yield f"{heading} {_link(item.url, 'open')}" if item.url else heading
    if item.state != "resolved":
        yield escaped(item.why)
        if item.advice:
            yield f"_{escaped(item.advice)}_"
        press = f"`{escaped(item.press)}`" if item.press else None
        if parts := [each for each in (item.cost, press) if each]:
            yield " · ".join(parts)


def _footer(message: Message) -> Iterator[str]:
    if message.footer:
        yield escaped(message.footer)
    if message.url:
        yield _link(message.url, "open the console")


def _link(url: str, text: str) -> str:
    return f"<{escaped(url).replace('|', '%7C')}|{text}>"


def escaped(text: str) -> str:
    """The three letters that Slack reads as its own; a mention cannot be written without them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, limit: int) -> str:
    """Cut, and not within an escaped letter."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, ampersand, tail = cut.rpartition("&")
    return (head if ampersand and ";" not in tail and len(tail) < 4 else cut) + "…"
