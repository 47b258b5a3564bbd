"""Who may see the console, and in which role. Nothing is stored that could be used to get in.

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
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from overnight import logs
from overnight.errors import ConfigError, NotFound, OvernightError, UserError
from overnight.operations.actors import ROLES, Role, may, whoami
from overnight.secrets import secret
from overnight.store.audit import note_action
from overnight.store.database import Database, Row
from overnight.store.sql import queries

if TYPE_CHECKING:
    from overnight.console.oidc import Provider
    from overnight.console.slack import SlackApp

COOKIE = "overnight_session"
PASSWORD, EDIT_PASSWORD, VIEW_PASSWORD = (
    "OVERNIGHT_CONSOLE_PASSWORD",
    "OVERNIGHT_CONSOLE_EDIT_PASSWORD",
    "OVERNIGHT_CONSOLE_VIEW_PASSWORD",
)
VARIABLES: Mapping[Role, str] = {
    "operate": PASSWORD,
    "edit": EDIT_PASSWORD,
    "view": VIEW_PASSWORD,
}
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

    def may(self, needed: Role) -> bool:
        return may(self.role, needed)

    @property
    def may_edit(self) -> bool:
        """Words, ideas and reviews."""
        return self.may("edit")

    @property
    def may_act(self) -> bool:
        """Everything."""
        return self.may("operate")


@dataclass(frozen=True, slots=True)
class Access:
    """The passwords by role, the provider of sign-ins, and the app of Slack. Without password and
    provider, whoever reaches the console operates it.
    """

    passwords: Mapping[Role, str]
    oidc: Provider | None = None
    slack: SlackApp | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """What the environment says. Raises `ConfigError`, such as for a password that is too
        short.
        """
        passwords: dict[Role, str] = {}
        for role, name in VARIABLES.items():
            if password := secret(name, "the console's password"):
                if len(password) < SHORTEST:
                    raise ConfigError(
                        f"{name} has {len(password)} characters; it needs at least {SHORTEST}"
                    )
                logs.hide(password)
                passwords[role] = password
        from overnight.console.oidc import Provider
        from overnight.console.slack import SlackApp

        return cls(passwords, Provider.from_environment(), SlackApp.from_environment())

    @property
    def is_open(self) -> bool:
        return not self.passwords and self.oidc is None

    def check_host(self, host: str) -> None:
        """Refuse to be open to others. Raises `ConfigError`."""
        if self.is_open and not is_loopback(host):
            raise ConfigError(
                f"a console that listens on {host} needs a password: set {PASSWORD} (and "
                f"{EDIT_PASSWORD} for editors, {VIEW_PASSWORD} for those who only look), "
                "or listen on 127.0.0.1"
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
            await database.one(queries["session_read"], {"hash": digest(cookie)})
            if cookie
            else None
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
        role = max(roles, key=ROLES.index)
        return await begin_session(
            database, "console" if role == "operate" else f"console ({role})", role
        )


async def begin_session(database: Database, who: str, role: Role) -> str:
    """A new session; its cookie."""
    cookie = new_cookie()
    session = {"hash": digest(cookie), "who": who, "role": role, "seconds": SESSION_SECONDS}
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


def with_cookie(answer: Response, cookie: str, secure: bool) -> Response:
    """An answer that gives a browser its session. `secure`: it goes back by https alone."""
    answer.set_cookie(
        COOKIE, cookie, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=secure
    )
    return answer


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
    await database.fetch(queries["session_end"], {"hash": digest(cookie)})


async def add_token(database: Database, name: str, role: Role) -> str:
    """A new token of the API; it is shown once. Raises `UserError` where the name is taken."""
    token = f"on_{secrets.token_urlsafe(32)}"
    by = whoami()
    params = {"name": name, "hash": digest(token), "role": role, "by": by}
    if not await database.fetch(queries["token_add"], params):
        raise UserError(
            f"there is a token “{name}” already: remove it first, or choose another name"
        )
    await note_action(database, "token add", name, by=by, reason=f"role {role}")
    return token


async def remove_token(database: Database, name: str) -> None:
    """Raises `NotFound`."""
    if not await database.fetch(queries["token_remove"], {"name": name}):
        raise NotFound(f"there is no token “{name}”")
    await note_action(database, "token remove", name, by=whoami())


async def tokens(database: Database) -> list[Row]:
    """Who has a token, and what it may."""
    return await database.fetch(queries["token_list"])


async def _bearer(database: Database, authorization: str) -> Visitor:
    scheme, _, token = authorization.partition(" ")
    row = await database.one(queries["token_read"], {"hash": digest(token.strip())})
    if scheme.lower() != "bearer" or row is None:
        raise Denied(401, "that token is not known here")
    return Visitor(row["who"], row["role"], csrf=None)


def digest(secret: str) -> bytes:
    """Cookies and tokens are 256 random bits, so that a plain hash cannot be turned round."""
    return hashlib.sha256(secret.encode()).digest()


def _name(host: str) -> str:
    """The name in a Host header, without its port; of what is no such header, nothing."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
