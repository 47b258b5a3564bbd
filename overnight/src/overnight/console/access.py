"""Who may see the console, and who may act. Nothing is stored that could be used to get in.

Without a password the console serves this machine alone: it listens on loopback, answers to
loopback's names only (so that no page of the web can rebind a name of its own to it), and whoever
sits here may operate it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

from starlette.requests import Request

from overnight import logs
from overnight.errors import ConfigError, NotFound, OvernightError, UserError
from overnight.operations.actors import whoami
from overnight.secrets import secret
from overnight.store.database import Database, Row
from overnight.store.sql import queries

Role = Literal["view", "edit", "operate"]

COOKIE = "overnight_session"
PASSWORD, VIEW_PASSWORD = "OVERNIGHT_CONSOLE_PASSWORD", "OVERNIGHT_CONSOLE_VIEW_PASSWORD"
SHORTEST = 12  # characters of a password; with the limit on tries, guessing is hopeless
SESSION_SECONDS = 12 * 3_600  # a working day
TRY_SECONDS = 300  # for which a failed try to log in counts
TRIES, TRIES_OF_ALL = 5, 50  # that may fail in that time, from one address and from all
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class Denied(OvernightError):
    """The request may not do that."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `csrf` is what their forms carry; None where a token of the API spoke for them,
    which needs none.
    """

    who: str
    role: Role
    csrf: str | None
    can_leave: bool = False

    @property
    def may_edit(self) -> bool:
        """Words, ideas and reviews."""
        return self.role in ("edit", "operate")

    @property
    def may_act(self) -> bool:
        """Everything."""
        return self.role == "operate"


@dataclass(frozen=True, slots=True)
class Access:
    """The passwords by role. Without any, whoever reaches the console operates it."""

    passwords: Mapping[Role, str]

    @classmethod
    def from_environment(cls) -> Self:
        """Passwords by environment. Raises `ConfigError` for one that is too short."""
        passwords: dict[Role, str] = {}
        variables: tuple[tuple[Role, str], ...] = (("operate", PASSWORD), ("view", VIEW_PASSWORD))
        for role, name in variables:
            if password := secret(name, "the console's password"):
                if len(password) < SHORTEST:
                    raise ConfigError(
                        f"{name} has {len(password)} characters; it needs at least {SHORTEST}"
                    )
                logs.hide(password)
                passwords[role] = password
        return cls(passwords)

    @property
    def is_open(self) -> bool:
        return not self.passwords

    def check_host(self, host: str) -> None:
        """Refuse to be open to others. Raises `ConfigError`."""
        if self.is_open and not is_loopback(host):
            raise ConfigError(
                f"a console that listens on {host} needs a password: set {PASSWORD} (and "
                f"{VIEW_PASSWORD} for those who "
                "only look), or listen on 127.0.0.1"
            )

    async def visitor(self, database: Database, request: Request) -> Visitor | None:
        """Who asks, or None. Raises `Denied` for a token that is not known."""
        authorization = request.headers.get("authorization", "")
        if authorization:
            return await _bearer(database, authorization)
        cookie = request.cookies.get(COOKIE, "")
        if self.is_open:
            return Visitor(whoami(), "operate", csrf_of(cookie)) if cookie else None
        session = (
            await database.one(queries["session_read"], {"hash": _hash(cookie)}) if cookie else None
        )
        return (
            Visitor(session["who"], session["role"], csrf_of(cookie), can_leave=True)
            if session
            else None
        )

    def check_name(self, request: Request) -> None:
        """An open console answers to this machine's own names alone. Raises `Denied`."""
        if self.is_open and not is_loopback(_name(request.headers.get("host", ""))):
            raise Denied(
                421, "this console answers to localhost alone; a password opens it to other names"
            )

    async def log_in(self, database: Database, address: str, password: str) -> str:
        """A new session's cookie. Raises `Denied` for a wrong password, or after too
        many of them.
        """
        tried = await database.one(
            queries["login_tries"], {"address": address, "within": TRY_SECONDS}
        )
        assert tried is not None
        if tried["address"] >= TRIES or tried["everybody"] >= TRIES_OF_ALL:
            raise Denied(429, f"too many wrong passwords: try again in {TRY_SECONDS // 60} minutes")
        encoded = password.encode()
        roles = [
            role
            for role, right in self.passwords.items()
            if hmac.compare_digest(right.encode(), encoded)
        ]
        if not roles:
            await database.fetch(
                queries["login_failed"], {"address": address, "within": TRY_SECONDS}
            )
            raise Denied(403, "that is not the password")
        cookie = new_cookie()
        who = {"operate": "console", "view": "console (view)"}[roles[0]]
        session = {"hash": _hash(cookie), "who": who, "role": roles[0], "seconds": SESSION_SECONDS}
        await database.fetch(queries["session_begin"], session)
        return cookie


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's alone."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_cookie() -> str:
    return secrets.token_urlsafe(32)


def csrf_of(cookie: str) -> str:
    """What a form carries to show that a page of ours made it: no other site can read the cookie it
    follows from.
    """
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()


def check_origin(request: Request) -> None:
    """A browser tells where a form was; it must have been here. Raises `Denied`."""
    origin = request.headers.get("origin")
    elsewhere = origin is not None and origin.partition("://")[2] != request.headers.get("host")
    if elsewhere or request.headers.get("sec-fetch-site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        raise Denied(403, "this came from another site")


def check_form(visitor: Visitor, token: str) -> None:
    """Raises `Denied` for a form that no page of this session made."""
    if visitor.csrf is not None and not hmac.compare_digest(visitor.csrf, token):
        raise Denied(403, "this form is of an earlier session: load the page again")


async def log_out(database: Database, cookie: str) -> None:
    await database.fetch(queries["session_end"], {"hash": _hash(cookie)})


async def add_token(database: Database, name: str, role: Role) -> str:
    """A new token of the API; it is shown once. Raises `UserError` where the name is taken."""
    token = f"on_{secrets.token_urlsafe(32)}"
    params = {"name": name, "hash": _hash(token), "role": role, "by": whoami()}
    if not await database.fetch(queries["token_add"], params):
        raise UserError(
            f"there is a token “{name}” already: remove it first, or choose another name"
        )
    return token


async def remove_token(database: Database, name: str) -> None:
    """Raises `NotFound`."""
    if not await database.fetch(queries["token_remove"], {"name": name}):
        raise NotFound(f"there is no token “{name}”")


async def tokens(database: Database) -> list[Row]:
    """Who has a token, and what it may."""
    return await database.fetch(queries["token_list"])


async def _bearer(database: Database, authorization: str) -> Visitor:
    scheme, _, token = authorization.partition(" ")
    row = await database.one(queries["token_read"], {"hash": _hash(token.strip())})
    if scheme.lower() != "bearer" or row is None:
        raise Denied(401, "that token is not known here")
    return Visitor(row["who"], row["role"], csrf=None)


def _hash(secret: str) -> bytes:
    """Cookies and tokens are 256 random bits, so that a plain hash cannot be turned round."""
    return hashlib.sha256(secret.encode()).digest()


def _name(host: str) -> str:
    """The name in a Host header, without its port; of what is no such header, nothing."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
