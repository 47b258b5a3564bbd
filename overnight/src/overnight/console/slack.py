"""Buttons in Slack: what a person presses in a message becomes a command in their name.

Slack signs each request with a secret of its app: HMAC-SHA256 over `v0:timestamp:body`. A request
counts for five minutes and once. Who may do what is said by the ids of Slack's users; what there
is to press, and whether the role suffices, is said where all buttons are
(`overnight.console.actions`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from overnight import logs
from overnight.alerts.channel import post
from overnight.alerts.slack import SIGNING_VARIABLE, escaped
from overnight.console import actions, api
from overnight.console.access import Denied, Visitor
from overnight.console.extension import Context
from overnight.errors import OvernightError
from overnight.logs import log
from overnight.operations.actors import ROLES, Role
from overnight.operations.commands import parse
from overnight.secrets import secret
from overnight.store.database import Database
from overnight.store.sql import queries

USERS: Mapping[Role, str] = {"operate": "OVERNIGHT_SLACK_OPERATE", "edit": "OVERNIGHT_SLACK_EDIT"}
BUTTONS = ("approve", "replay", "pause", "resume")  # what our messages offer, and no more
VALID_SECONDS = 300  # that a request may be old, as Slack's documentation says
ANSWER_HOST = "hooks.slack.com"  # nothing is sent elsewhere, whatever a request says

REFUSED: tuple[type[Exception], ...] = (Denied, *api.REFUSED)

Post = Callable[[str, bytes, dict[str, str]], None]


@dataclass(frozen=True, slots=True)
class Press:
    """A button that a person pressed: who (an id of Slack's, and a name), and what."""

    user: str
    name: str
    verb: str
    values: Mapping[str, Any]
    answer_url: str

    @property
    def who(self) -> str:
        """A name can be changed; the id tells who it was."""
        return f"{self.name} (Slack {self.user})" if self.name else f"Slack {self.user}"


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The app of a workspace: its signing secret, and the roles of users by their ids."""

    signing_secret: str = field(repr=False)
    roles: Mapping[str, Role]
    post: Post = field(default=post, repr=False)

    @classmethod
    def from_environment(cls) -> Self | None:
        """None where no signing secret is set."""
        signing_secret = secret(SIGNING_VARIABLE, "the signing secret of the Slack app")
        if signing_secret is None:
            return None
        logs.hide(signing_secret)
        roles = {
            user: role
            for role in ROLES
            if role in USERS
            for user in os.environ.get(USERS[role], "").replace(",", " ").split()
        }
        return cls(signing_secret, roles)

    def check(self, timestamp: str, signature: str, body: bytes, now: float) -> None:
        """Raises `Denied` for what Slack has not signed, or not lately."""
        expected = sign(self.signing_secret, timestamp, body)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise Denied(401, "this is not signed by Slack")
        if not timestamp.isdecimal() or abs(now - int(timestamp)) > VALID_SECONDS:
            raise Denied(401, "this was signed too long ago")


def sign(signing_secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a request, as Slack makes it."""
    signed = f"v0:{timestamp}:".encode() + body
    return "v0=" + hmac.new(signing_secret.encode(), signed, hashlib.sha256).hexdigest()


async def receive(context: Context, slack: SlackApp, request: Request) -> Response:
    """Take what a person pressed. It is done after the answer, for Slack waits three seconds."""
    try:
        body = await api.read_body(request)
        headers = request.headers
        signature = headers.get("x-slack-signature", "")
        slack.check(headers.get("x-slack-request-timestamp", ""), signature, body, time.time())
        press = read(body)
        await _check_first(context.database, signature)
    except Denied as denied:
        return PlainTextResponse(str(denied), denied.status)
    task = BackgroundTask(answer, context, slack, press) if press else None
    return Response(background=task)


def read(body: bytes) -> Press | None:
    """The button that was pressed; None for what is none of ours. Raises `Denied` for what cannot
    be read.
    """
    try:
        (text,) = parse_qs(body.decode("utf-8"), max_num_fields=10)["payload"]
        payload = json.loads(text)
        if payload["type"] != "block_actions":
            return None
        (pressed,) = payload["actions"]
        user = payload["user"]
        if pressed["action_id"] not in BUTTONS:
            return None
        values = json.loads(pressed["value"])
        name, url = str(user.get("username", "")), str(payload["response_url"])
        if not isinstance(values, dict):
            raise Denied(400, "the value of the button is not an object")
        return Press(str(user["id"]), name[:100], pressed["action_id"], values, url)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Denied(400, "this is no button that Slack tells of") from None


async def _check_first(database: Database, signature: str) -> None:
    """Raises `Denied` for a request that came before."""
    params = {"hash": hashlib.sha256(signature.encode()).digest(), "seconds": 2 * VALID_SECONDS}
    if not await database.fetch(queries["request_first"], params):
        raise Denied(409, "this came before")


async def answer(context: Context, slack: SlackApp, press: Press) -> None:
    """Do it, and tell the channel; of what was refused only who pressed is told."""
    done, text = await act(context, slack, press)
    message = {
        "response_type": "in_channel" if done else "ephemeral",
        "replace_original": False,
        "text": escaped(f"{press.name or press.user}: {text}" if done else text),
    }
    if not _is_slacks(press.answer_url):
        log.warning("slack not answered", error="the address of the answer is not Slack's")
        return
    try:
        await asyncio.to_thread(slack.post, press.answer_url, json.dumps(message).encode(), {})
    except OvernightError as error:
        log.warning("slack not answered", error=str(error))


async def act(context: Context, slack: SlackApp, press: Press) -> tuple[bool, str]:
    """Whether it was done, and one sentence about it."""
    role = slack.roles.get(press.user)
    if role is None:
        names = " or ".join(USERS.values())
        return False, f"Slack's user {press.user} has no role here: add the id to {names}"
    try:
        action = actions.permitted(context, press.verb, Visitor(press.who, role, None))
        command = parse(action.takes, {**press.values, "reason": "by a button in Slack"})
        return True, actions.sentence(await actions.carry_out(context, action, command))
    except REFUSED as error:
        return False, f"it was not done: {error}"
    except Exception as error:
        log.error("slack failed", error=f"{type(error).__name__}: {error}")
        return False, f"it was not done: a fault of ours, {type(error).__name__}; the log says more"


def _is_slacks(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (parts.scheme, parts.netloc) == ("https", ANSWER_HOST)
    except ValueError:
        return False
