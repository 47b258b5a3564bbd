"""Sign-in at a provider of OpenID Connect: the authorization code flow with PKCE.

Nothing is stored that could be used to get in. What the provider is told or must repeat (state,
nonce, code verifier) follows from a secret in a cookie of the browser; the ledger knows the hash of
that secret, so that a sign-in ends in the browser in which it began, in time, and once.

The provider's metadata and keys are read for each sign-in, so that nothing of them is stale.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import http.client
import json
import os
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit

from overnight import logs
from overnight.alerts.channel import NoRedirects
from overnight.console.access import Denied, begin_session, digest, is_loopback, new_cookie
from overnight.errors import ConfigError
from overnight.logs import log
from overnight.operations.actors import ROLES, Role
from overnight.secrets import secret
from overnight.store.database import Database
from overnight.store.sql import queries

ISSUER, CLIENT_ID, CLIENT_SECRET, CLAIM, SCOPE = (
    f"OVERNIGHT_OIDC_{name}" for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "CLAIM", "SCOPE")
)
MEMBERS: Mapping[Role, str] = {role: f"OVERNIGHT_OIDC_{role.upper()}" for role in ROLES}

COOKIE = "overnight_signin"
START, CALLBACK = "/oidc/start", "/oidc/callback"
SIGNIN_SECONDS = 600  # that a person has at the provider
LEEWAY = 60  # seconds by which the provider's clock may differ
TIMEOUT = 10.0  # seconds that the provider may be silent
ANSWER_LIMIT = 1_000_000  # bytes of one answer of the provider
# Signatures by a key that the provider alone has: with `none` or a shared secret others could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")

Claims = Mapping[str, Any]

_opener = urllib.request.build_opener(NoRedirects)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that begins: where the browser goes, and the cookie that it brings back."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A sign-in that succeeded: the cookie of the session, and the page to go on to."""

    session: str
    next_path: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of OpenID Connect, the client that the console is there, and who has which role.

    A member is an e-mail address that the provider has verified (`ann@example.com`), all of a
    domain (`@example.com`), or a value of the `claim`. A claim within another is named with dots,
    such as `realm_access.roles`.
    """

    issuer: str
    client_id: str
    members: Mapping[Role, Sequence[str]]
    client_secret: str | None = field(default=None, repr=False)
    claim: str = "groups"
    scope: str = "openid email profile"

    @classmethod
    def from_environment(cls) -> Self | None:
        """None without an issuer. Raises `ConfigError`."""
        issuer = os.environ.get(ISSUER, "").strip()
        if not issuer:
            return None
        _check_installed()
        client_id = os.environ.get(CLIENT_ID, "").strip()
        members = {
            role: os.environ.get(name, "").replace(",", " ").split()
            for role, name in MEMBERS.items()
        }
        if not client_id:
            raise ConfigError(f"{ISSUER} needs {CLIENT_ID}: the console's id at the provider")
        if not any(members.values()):
            names = ", ".join(MEMBERS.values())
            raise ConfigError(f"nobody has a role at {issuer}: name people or groups in {names}")
        client_secret = secret(CLIENT_SECRET, "the client's secret of OpenID Connect")
        logs.hide(client_secret)
        optional = {"claim": os.environ.get(CLAIM), "scope": os.environ.get(SCOPE)}
        return cls(
            _safe(issuer),
            client_id,
            members,
            client_secret,
            **{name: value for name, value in optional.items() if value},
        )

    @property
    def host(self) -> str:
        return urlsplit(self.issuer).hostname or self.issuer

    async def begin(self, database: Database, redirect_uri: str, next_path: str) -> Begun:
        """Send a person to the provider. Raises `Denied` where it does not answer."""
        metadata = await self._metadata()
        cookie = new_cookie()
        params = {"hash": digest(cookie), "next": next_path, "seconds": SIGNIN_SECONDS}
        await database.fetch(queries["signin_begin"], params)
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.scope,
            "state": _derived(cookie, "state"),
            "nonce": _derived(cookie, "nonce"),
            "code_challenge": _challenge(_derived(cookie, "verifier")),
            "code_challenge_method": "S256",
        }
        at = metadata["authorization_endpoint"]
        return Begun(f"{at}{'&' if '?' in at else '?'}{urlencode(query)}", cookie)

    async def end(
        self, database: Database, redirect_uri: str, answer: Mapping[str, str], cookie: str
    ) -> Ended:
        """Let a person in who comes back with the provider's answer. Raises `Denied`."""
        state = answer.get("state", "")
        if not cookie or not hmac.compare_digest(
            _derived(cookie, "state").encode(), state.encode()
        ):
            raise Denied(403, "this sign-in did not begin in this browser: begin again")
        row = await database.one(queries["signin_end"], {"hash": digest(cookie)})
        if row is None:
            raise Denied(403, "this sign-in took too long, or was used before: begin again")
        claims = await self._claims(redirect_uri, answer, cookie)
        role, who = self.role_of(claims), name_of(claims)
        if role is None:
            log.warning("console refused", who=who, error="no role")
            raise Denied(403, f"{who} has no role here: {', '.join(MEMBERS.values())} say who has")
        return Ended(await begin_session(database, who, role), row["next_path"])

    async def _claims(self, redirect_uri: str, answer: Mapping[str, str], cookie: str) -> Claims:
        """What the provider says of the person, after all that proves that it says so."""
        if "error" in answer:
            why = answer.get("error_description") or answer["error"]
            raise Denied(403, f"{self.host} did not let you in: {why[:200]}")
        metadata = await self._metadata()
        if answer.get("iss", self.issuer) != self.issuer:
            raise Denied(403, "the answer is from another provider")
        tokens = await self._tokens(
            metadata, redirect_uri, answer.get("code", ""), _derived(cookie, "verifier")
        )
        keys = await self._json(metadata["jwks_uri"])
        claims = self.verified(str(tokens.get("id_token", "")), keys, _derived(cookie, "nonce"))
        more = await self._user_info(metadata, tokens, claims["sub"])
        return _merged(claims, more)

    async def _metadata(self) -> Mapping[str, Any]:
        metadata = await self._json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.issuer:
            raise Denied(502, f"{ISSUER} is not what {self.host} calls itself: see its metadata")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(metadata.get(name), str):
                raise Denied(502, f"the metadata of {self.host} has no {name}")
        return metadata

    async def _tokens(
        self, metadata: Mapping[str, Any], redirect_uri: str, code: str, verifier: str
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if self.client_secret is not None:
            methods = metadata.get("token_endpoint_auth_methods_supported", "client_secret_basic")
            if "client_secret_basic" in methods:
                pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
                headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                form["client_secret"] = self.client_secret
        return await self._json(metadata["token_endpoint"], form, headers)

    async def _user_info(
        self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], subject: str
    ) -> Claims:
        """Claims that the provider keeps out of its tokens. They must be of the same person."""
        url, token = metadata.get("userinfo_endpoint"), tokens.get("access_token")
        if not isinstance(url, str) or not isinstance(token, str):
            return {}
        claims = await self._json(url, headers={"authorization": f"Bearer {token}"})
        if claims.get("sub") != subject:
            raise Denied(403, f"{self.host} speaks of two people at once")
        return claims

    def verified(self, token: str, keys: Mapping[str, Any], nonce: str) -> Claims:
        """The claims of an identity token that this provider signed, for this client and for this
        sign-in. Raises `Denied`.
        """
        import jwt

        try:
            claims = _decoded(token, keys, self.client_id, self.issuer)
        except jwt.PyJWTError as error:
            log.warning("console refused", error=f"{type(error).__name__}: {error}")
            raise Denied(403, f"the token of {self.host} is not valid: {error}") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.client_id:
            raise Denied(403, f"the token of {self.host} is for another client")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise Denied(403, f"the token of {self.host} is of another sign-in")
        return claims

    def role_of(self, claims: Claims) -> Role | None:
        """The highest role that a person has."""
        email = verified_email(claims)
        domain = email[email.rindex("@") :] if email else ""
        values = _values(claims, self.claim)

        def is_member(member: str) -> bool:
            return member.casefold() in (email, domain) if "@" in member else member in values

        roles = [role for role in ROLES if any(map(is_member, self.members.get(role, ())))]
        return roles[-1] if roles else None

    async def _json(
        self,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """An object that the provider answers with. Raises `Denied`."""
        return await asyncio.to_thread(_read, _safe(url), form, headers or {})


def _merged(claims: Claims, more: Claims) -> Claims:
    """The claims of the token, with those that it lacks. An address comes with its own
    verification, and not with that of another.
    """
    of_address = ("email", "email_verified") if "email" in claims else ()
    return {**{name: value for name, value in more.items() if name not in of_address}, **claims}


def verified_email(claims: Claims) -> str:
    """The address that the provider says it has checked; others could be anybody's."""
    email = claims.get("email")
    is_verified = claims.get("email_verified") in (True, "true")
    return email.casefold() if isinstance(email, str) and is_verified and "@" in email else ""


def name_of(claims: Claims) -> str:
    """Who a person is in the audit log: the verified address, else a name with the lasting id."""
    subject = str(claims["sub"])[:100]
    name = claims.get("preferred_username") or claims.get("name")
    return verified_email(claims) or (f"{str(name)[:100]} ({subject})" if name else subject)


def _values(claims: Claims, name: str) -> Sequence[str]:
    """The texts of a claim, which may be within another."""
    value: Any = claims.get(name)
    if value is None:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _decoded(token: str, keys: Mapping[str, Any], audience: str, issuer: str) -> Claims:
    """The claims of a token that one of the keys signed. Raises `jwt.PyJWTError`."""
    import jwt

    key_id = jwt.get_unverified_header(token).get("kid")
    usable = [
        key
        for key in jwt.PyJWKSet.from_dict(dict(keys)).keys
        if key.public_key_use in (None, "sig") and key_id in (None, key.key_id)
    ]
    error: jwt.PyJWTError = jwt.InvalidKeyError("no key of the provider fits")
    for key in usable:
        try:
            return dict(
                jwt.decode(
                    token,
                    key,
                    algorithms=list(ALGORITHMS),
                    audience=audience,
                    issuer=issuer,
                    leeway=LEEWAY,
                    options={"require": ["exp", "iat", "iss", "aud", "sub"]},
                )
            )
        except jwt.PyJWTError as wrong:
            error = wrong
    raise error


def _derived(cookie: str, purpose: str) -> str:
    """One of the values that follow from the browser's secret; none tells another."""
    return hmac.new(cookie.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _challenge(verifier: str) -> str:
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def _safe(url: str) -> str:
    """A URL that is encrypted, or of this machine. Raises `ConfigError`."""
    try:
        parts = urlsplit(url)
        is_safe = bool(parts.hostname) and (
            parts.scheme == "https"
            or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        )
    except ValueError:
        is_safe = False
    if not is_safe:
        raise ConfigError(f"the address {url} of OpenID Connect must begin with https://")
    return url


def _read(
    url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
) -> Mapping[str, Any]:
    host = urlsplit(url).hostname
    body = None if form is None else urlencode(form).encode()
    all_headers = {"accept": "application/json", "user-agent": "overnight", **headers}
    request = urllib.request.Request(url, body, all_headers)  # noqa: S310  _safe has seen it
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            read = json.loads(answer.read(ANSWER_LIMIT))
    except HTTPError as refusal:
        with refusal:
            raise Denied(502, f"{host} answered {refusal.code}: begin again") from None
    except (URLError, OSError, http.client.HTTPException) as error:
        raise Denied(502, f"{host} cannot be reached: {type(error).__name__}") from None
    except (ValueError, RecursionError):
        raise Denied(502, f"{host} answered with what is not JSON") from None
    if not isinstance(read, dict):
        raise Denied(502, f"{host} answered with what is no JSON object")
    return read


def _check_installed() -> None:
    """Raises `ConfigError` without the extra."""
    try:
        import jwt
    except ModuleNotFoundError:
        raise ConfigError(
            f"{ISSUER} is set, but PyJWT is not installed: pip install 'overnight[oidc]' brings it"
        ) from None
    if not jwt.algorithms.has_crypto:
        raise ConfigError(f"{ISSUER} is set: pip install 'overnight[oidc]' brings what it needs")
