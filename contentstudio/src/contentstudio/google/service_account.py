"""A service account of Google: its key file, and the access tokens that it is given for a signed
request.
"""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, SecretStr, ValidationError

from contentstudio.web.fetch import waiting
from overnight import logs
from overnight.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpx2

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3_600  # seconds; the longest that a signed request may ask for


class BadKeyFile(Permanent):
    """The key file of the service account cannot be used."""


class NoAccess(Permanent):
    """Google does not let the service account in."""


class Account(BaseModel):
    """What of a key file is used. The key itself is masked wherever it might be shown."""

    client_email: str = Field(min_length=3)
    private_key: SecretStr
    token_uri: str = Field(pattern="^https?://")


def load(file: Path | None) -> Account:
    """The account of a key file. Raises BadKeyFile, which says what to do."""
    if file is None:
        raise BadKeyFile(
            "Search Console needs the key file of a service account: name it as key_file "
            "in [google], or in "
            "GOOGLE_APPLICATION_CREDENTIALS."
        )
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise BadKeyFile(f"{file} can be read by others: chmod 600 it.")
        account = Account.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BadKeyFile(f"cannot read {file} ({error.strerror}).") from None
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        wrong = f"its “{field}” is missing or wrong" if field else "it is not JSON"
        raise BadKeyFile(f"{file} is not the key file of a service account: {wrong}.") from None
    logs.hide(account.private_key.get_secret_value())
    return account


async def token(account: Account, scope: str, client: httpx2.AsyncClient) -> str:
    """An access token for a scope. Raises NoAccess, BadKeyFile, or `Transient` where a later try
    may work.
    """
    import httpx2

    assertion = _signed(account, scope, int(time.time()))
    try:
        answer = await client.post(
            account.token_uri, data={"grant_type": GRANT, "assertion": assertion}
        )
    except httpx2.TransportError as error:
        raise Transient(
            f"{account.token_uri} did not answer: {error or type(error).__name__}."
        ) from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Transient(
            f"{account.token_uri} answered {answer.status_code}.",
            retry_after=waiting(answer.headers),
        )
    body = body_of(answer)
    if answer.status_code != 200:
        why = body.get("error_description") or body.get("error") or answer.reason_phrase
        raise NoAccess(
            f"{account.token_uri} gives {account.client_email} no token "
            f"({answer.status_code}: {str(why)[:200]}): "
            "check that the key was not deleted, and that this machine's clock is right."
        )
    value = body.get("access_token")
    if not isinstance(value, str):
        raise Transient(f"{account.token_uri} answered without a token.")
    logs.hide(value)
    return value


def body_of(answer: httpx2.Response) -> dict[str, object]:
    """The JSON object of an answer; an empty one where it holds something else."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _signed(account: Account, scope: str, now: int) -> str:
    """The request for a token: a JWT (RFC 7519), signed by RS256."""
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm

    claims = {
        "iss": account.client_email,
        "scope": scope,
        "aud": account.token_uri,
        "iat": now,
        "exp": now + LIFETIME,
    }
    try:
        return jwt.encode(claims, account.private_key.get_secret_value(), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise BadKeyFile(
            f"the private key of {account.client_email} is no RSA key: download the key file again."
        ) from None
